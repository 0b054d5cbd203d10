//! Hostile and broken files: each gets an answer in time, and the pool goes on.

use echofs_indexer::extract::{ExtractError, Extractor};

use crate::samples::{Numbers, archive, docx, pdf, xlsx};
use crate::{Test, pool, read, vault};

pub fn trials() -> Vec<Test> {
    vec![
        ("truncated_files_get_an_answer", truncated),
        ("mutated_files_get_an_answer", mutated),
        ("zip_bombs_are_refused", zip_bombs),
        ("entities_are_not_expanded", entities),
        ("deep_nesting_gets_an_answer", nesting),
        ("a_far_cell_takes_no_memory", far_cell),
        ("circles_in_a_pdf_end", circles),
        ("locked_and_empty_files_are_skipped_with_a_reason", skipped),
    ]
}

/// Reads a file that may be broken in any way; tells when that took the worker.
fn survive(pool: &Extractor, name: &str, bytes: Vec<u8>) -> bool {
    match read(pool, name, bytes) {
        Ok(done) => {
            for span in &done.passages {
                assert!(done.text.get(span.start as usize..span.end as usize).is_some(), "{name}: {span:?}");
            }
            assert!(!done.text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{name}");
            true
        }
        Err(ExtractError::Skipped(reason) | ExtractError::Failed(reason)) => {
            assert!(!reason.is_empty());
            true
        }
        Err(ExtractError::Crashed(_)) => false,
        Err(error) => panic!("{name}: {error}"),
    }
}

/// One file of each type of the vault.
fn kinds() -> Vec<(String, Vec<u8>)> {
    let mut kinds: Vec<(String, Vec<u8>)> = Vec::new();
    for path in vault() {
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("a.{extension}");
        let bytes = std::fs::read(&path).expect("a readable file");
        if bytes.len() < 400_000 && !kinds.iter().any(|(known, _)| *known == name) {
            kinds.push((name, bytes));
        }
    }
    kinds
}

fn truncated() {
    let pool = pool(2);
    let mut numbers = Numbers(7);
    for (name, bytes) in kinds() {
        for _ in 0..12 {
            let part = bytes[..numbers.below(bytes.len())].to_vec();
            assert!(survive(&pool, &name, part), "{name} took the worker");
        }
    }
}

fn mutated() {
    let pool = pool(2);
    let mut numbers = Numbers(11);
    for (name, bytes) in kinds() {
        for _ in 0..25 {
            let mut bytes = bytes.clone();
            for _ in 0..=numbers.below(20) {
                let at = numbers.below(bytes.len());
                match numbers.below(3) {
                    0 => bytes[at] = u8::try_from(numbers.below(256)).unwrap_or(0),
                    1 => bytes[at] ^= 1 << numbers.below(8),
                    _ => {
                        let end = (at + numbers.below(64)).min(bytes.len());
                        let copy = bytes[at..end].to_vec();
                        let to = numbers.below(bytes.len());
                        bytes.splice(to..to, copy);
                    }
                }
            }
            assert!(survive(&pool, &name, bytes), "{name} took the worker");
        }
    }
}

fn failed(pool: &Extractor, name: &str, bytes: Vec<u8>) -> String {
    match read(pool, name, bytes) {
        Err(ExtractError::Failed(reason)) => reason,
        other => panic!("{name}: {other:?}"),
    }
}

fn zip_bombs() {
    let pool = pool(1);
    let body = format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", " ".repeat(100 << 20));
    assert!(failed(&pool, "a.docx", docx(&body)).contains("zip bomb"));
    let sheet = xlsx(&format!("<row r='1'><c r='A1' t='str'><v>{}</v></c></row>", " ".repeat(100 << 20)));
    assert!(failed(&pool, "a.xlsx", sheet).contains("zip bomb"));
    let names: Vec<String> = (0..30_000).map(|at| format!("word/{at}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert!(failed(&pool, "a.docx", archive(&entries)).contains("entries"));
}

fn entities() {
    let pool = pool(1);
    let mut laughs = "<!DOCTYPE d [<!ENTITY a0 'ha'>".to_owned();
    for at in 1..20 {
        laughs += &format!("<!ENTITY a{at} '{}'>", format!("&a{};", at - 1).repeat(10));
    }
    let xml = format!(
        "{laughs}<!ENTITY f SYSTEM 'file:///etc/passwd'>]><w:document><w:body><w:p><w:r><w:t>x&a19;&f;y</w:t></w:r></w:p></w:body></w:document>"
    );
    let done = read(&pool, "a.docx", archive(&[("word/document.xml", xml.as_bytes())])).expect("a text");
    assert_eq!(done.text, "xy");
}

fn nesting() {
    let pool = pool(1);
    let deep = |open: &str, close: &str| [open.repeat(50_000), "words".to_owned(), close.repeat(50_000)].concat();
    let quoted = format!("{}words", "> ".repeat(50_000));
    let files = [
        ("a.json", deep("[", "]")),
        ("a.ipynb", deep("{\"cells\":[", "]}")),
        ("a.html", deep("<div><table><tr><td>", "</td></tr></table></div>")),
        ("a.rtf", format!("{{\\rtf1 {}", deep("{", "}"))),
        ("a.xml", deep("<a>", "</a>")),
        ("a.yaml", deep("[", "]")),
        ("a.md", deep("[", "]")),
        ("b.md", quoted),
        ("c.md", deep("* ", "")),
        ("a.tex", deep("{", "}")),
        (
            "a.eml",
            format!(
                "From: a@b.c\nSubject: s\nContent-Type: multipart/mixed; boundary=a\n\n{}",
                "--a\nContent-Type: multipart/mixed; boundary=a\n\n".repeat(20_000)
            ),
        ),
    ];
    for (name, text) in files {
        // Quadratic work would run into the pool's deadline, which is a failure here.
        assert!(survive(&pool, name, text.into_bytes()), "{name} took the worker");
    }
    let tables = "<w:tbl><w:tr><w:tc>".repeat(100_000);
    assert!(survive(&pool, "a.docx", docx(&tables)), "a.docx took the worker");
}

fn far_cell() {
    let pool = pool(1);
    let far = "<row r='1'><c r='A1' t='str'><v>near</v></c></row><row r='1048576'><c r='XFD1048576' t='str'><v>far</v></c></row>";
    let done = read(&pool, "a.xlsx", xlsx(far)).expect("a text");
    assert!(done.text.contains("near"));
}

fn circles() {
    let pool = pool(1);
    let pages = pdf(&["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2/Parent 2 0 R>>"]);
    let form = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
        "<</Length 5>>stream\n/X Do\nendstream",
        "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 5/Resources<</XObject<</X 5 0 R>>>>>>stream\n/X Do\nendstream",
    ]);
    let nested = pdf(&["<</Type/Catalog/Pages 2 0 R>>", &format!("<</Type/Pages/Kids {}", "[".repeat(100_000))]);
    for (name, bytes) in [("pages.pdf", pages), ("form.pdf", form), ("nested.pdf", nested)] {
        // The parser in this process may overflow its stack: the worker is lost, the pool is not.
        survive(&pool, name, bytes);
        assert!(read(&pool, "a.txt", "next").is_ok(), "after {name}");
    }
}

fn skipped() {
    let pool = pool(1);
    let reason = |name: &str, bytes: Vec<u8>| match read(&pool, name, bytes) {
        Err(ExtractError::Skipped(reason)) => reason,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(reason("a.txt", Vec::new()), "empty");
    assert_eq!(reason("a.md", b" \n\t\n".to_vec()), "empty: white space only");
    assert_eq!(reason("a.zip", archive(&[("a.txt", b"x")])), "archive");
    assert_eq!(
        reason(
            "a.odt",
            archive(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("content.xml", b"\x01\x02"),
                ("META-INF/manifest.xml", b"<m><encryption-data/></m>"),
            ])
        ),
        "encrypted document"
    );
    assert_eq!(reason("a.bin", vec![0; 100]), "binary");
}
