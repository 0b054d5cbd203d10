//! `search/`, `similar/` and the views of `knowledge/` on a real mount.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::common::{DEADLINE, Session, until};

const NOTES: &[(&str, &str)] = &[
    (
        "garden/tomato.md",
        "---\ntags: [garden]\ndate: 2026-05-04\n---\n# Tomato\n\nSow the tomato seeds in March on the window sill.\n",
    ),
    ("garden/leek.md", "# Leek\n\nLeeks are planted deep. The seeds of leeks want a cool place.\n"),
    ("work/plan.txt", "The quarterly plan: hire a designer, ship the seeds importer.\n"),
    ("code/main.rs", "/// Parses the seed file.\nfn parse_seed_file() {}\n"),
];

#[test]
fn a_query_is_a_directory_of_results() {
    let session = Session::with(NOTES);
    let names = session.list("search/tomato seeds");
    for name in ["explain.md", "files", "results.jsonl", "results.txt"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    assert!(names[0].starts_with("01-Tomato") && names[0].ends_with(".md"), "{names:?}");
    let excerpt = session.read(format!("search/tomato seeds/{}", names[0]));
    assert!(excerpt.starts_with("---\ntitle: \"Tomato\"\n") && excerpt.contains("window sill"), "{excerpt}");
    let link = fs::read_link(session.at("search/tomato seeds/files/01-tomato.md")).expect("a link");
    assert_eq!(link, session.vault().canonicalize().expect("real").join("garden/tomato.md"));
    assert!(session.read("search/tomato seeds/files/01-tomato.md").contains("window sill"));
    assert!(session.read("search/tomato seeds/results.txt").lines().next().expect("a line").contains("tomato.md:"));
    assert!(session.read("search/tomato seeds/explain.md").contains("Read as: `tomato seeds`"));
    let first: serde_json::Value =
        serde_json::from_str(session.read("search/tomato seeds/results.jsonl").lines().next().expect("a line"))
            .expect("JSON");
    assert_eq!((&first["rank"], &first["kind"], &first["title"]), (&1.into(), &"file".into(), &"Tomato".into()));
    assert_eq!(session.list("search"), ["tomato seeds"]);
}

#[test]
fn after_hundreds_of_queries_the_first_are_as_they_were() {
    let session = Session::with(NOTES);
    session.wait_for_meaning();
    let names = session.list("search/tomato seeds");
    let mut open = fs::File::open(session.at("search/tomato seeds/results.txt")).expect("open");
    let within = session.at("search/tomato seeds/files");
    let listing = fs::read_dir(&within).expect("open");
    for n in 0..600 {
        assert!(!session.list(format!("search/seeds {n}")).is_empty());
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut open, &mut text).expect("still open");
    assert!(text.contains("tomato.md:"), "{text}");
    assert!(listing.count() > 0);
    assert_eq!(session.list("search/tomato seeds"), names);
    assert_eq!(session.list("search").len(), 20);
}

#[test]
fn filters_and_operators() {
    let session = Session::with(NOTES);
    let check = |query: &str, want: &[&str]| {
        let mut got: Vec<String> = session
            .hits(query)
            .iter()
            .map(|path| Path::new(path).file_name().expect("a name").to_string_lossy().into_owned())
            .collect();
        got.sort();
        assert_eq!(got, want, "{query}");
    };
    check("seeds type:md", &["leek.md", "tomato.md"]);
    check("lex:(seeds AND leeks)", &["leek.md"]);
    check("ext:txt", &["plan.txt"]);
    check("seeds path:garden", &["leek.md", "tomato.md"]);
    check("\"quarterly plan\"", &["plan.txt"]);
    check("\"plan quarterly\"", &[]);
    check("ext:md -tomato", &["leek.md"]);
    check("(ext:txt OR ext:rs)", &["main.rs", "plan.txt"]);
    check("lex:seeds limit:1 path:work", &["plan.txt"]);
    check("in:notes", &[]);
    check("ext:md before:2026-06 after:2026-05", &["tomato.md"]);
}

#[test]
fn narrowing_gives_a_part_of_the_results() {
    let session = Session::with(NOTES);
    let all = session.hits("seeds");
    let narrowed = session.read("search/seeds/+ext:md/results.jsonl").lines().count();
    assert!(narrowed == 2 && all.len() > 2, "{narrowed} of {all:?}");
    assert_eq!(session.read("search/seeds/+ext:md/+leeks/results.jsonl").lines().count(), 1);
}

#[test]
fn narrowing_goes_to_any_depth_and_below_similar() {
    let session = Session::with(NOTES);
    session.wait_for_meaning();
    let links = |path: &str| session.list(format!("{path}/files"));
    assert_eq!(links("search/seeds/+ext:md/+path:garden%2F*/+-leeks"), ["01-tomato.md"]);
    assert_eq!(
        links("search/seeds/+ext:md/+tag:garden/+after:2026/+before:2027/+lines:..20/+limit:5"),
        ["01-tomato.md"]
    );
    assert!(links("search/seeds/+ext:md/+ext:txt").is_empty());
    assert_eq!(links("search/seeds/+ext:(md OR txt)/+sort:path/+limit:2"), ["01-leek.md", "02-tomato.md"]);
    let vault = session.vault().canonicalize().expect("real");
    let similar = format!("similar{}", vault.join("garden/tomato.md").display());
    assert_eq!(links(&format!("{similar}/+ext:md")), ["01-leek.md"]);
    assert_eq!(links(&format!("{similar}/+ext:md/+lex:leeks")), ["01-leek.md"]);
    assert!(links(&format!("{similar}/+ext:md/+lex:importer")).is_empty());
    assert!(session.list("search").is_empty(), "what narrows is not listed by itself");
}

#[test]
fn a_query_is_explained() {
    let session = Session::with(NOTES);
    session.wait_for_meaning();
    let text = session.read("search/tomato seeds (ext:md OR ext:txt) has:wings \"/explain.md");
    for part in [
        "Read as: `tomato seeds (ext:md OR ext:txt) has:wings`\n",
        "- not used: has:wings: ",
        "3 documents are listed: 3 of 4 pass the filters, 1 do not.",
        "| ext:md OR ext:txt | 3 |",
        "| tomato | tomato | 1 |",
        "Compared with: tomato seeds\n",
        "| tomato seeds | ",
        "| all | ",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(text.contains("quot"), "the quotation mark is spoken of: {text}");
}

#[test]
fn what_narrows_what_is_corrected_and_likeness_are_explained() {
    let session = Session::with(NOTES);
    session.wait_for_meaning();
    let explained = session.read("search/tomato seeds/+tilte:x/explain.md");
    assert!(explained.contains("- at character 16: there is no field `tilte:`"), "{explained}");
    let explained = session.read("search/tomatoo/explain.md");
    assert!(
        explained.contains("- nothing holds `tomatoo`: documents are ranked by words like it (tomato"),
        "{explained}"
    );
    let path = session.vault().canonicalize().expect("real").join("garden/tomato.md");
    let explained = session.read(format!("similar{}/+ext:md/explain.md", path.display()));
    assert!(explained.contains(&format!("Read as: `like:{} ext:md`\n", path.display())), "{explained}");
    assert!(explained.contains("1 document is listed: "), "{explained}");
}

#[test]
fn copies_are_one_hit_with_the_others_named() {
    let letter =
        format!("# Letter\n\n{}\n", "The walrus keeps the lamp of the harbour lit all winter long. ".repeat(8));
    let session =
        Session::with(&[("a/letter.md", &letter), ("b/letter.md", &letter), ("c/other.md", "# Other\n\nA walrus.\n")]);
    let lines = session.read("search/lex:walrus/results.jsonl");
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let letter = lines.iter().find(|line| line["title"] == "Letter").expect("found");
    assert!(letter["copies"][0].as_str().is_some_and(|path| path.ends_with("/letter.md")), "{letter}");
    let name = session.list("search/lex:walrus").into_iter().find(|name| name.contains("-Letter")).expect("listed");
    assert!(session.read(format!("search/lex:walrus/{name}")).contains("\ncopies: [\""));
    assert!(session.hits("lex:walrus path:b")[0].ends_with("/b/letter.md"));
    assert_eq!(session.hits("path:*%2Fletter.md").len(), 2, "filters alone fold nothing");
}

#[test]
fn results_follow_the_files() {
    let session = Session::with(NOTES);
    assert_eq!(session.hits("lex:importer").len(), 1);
    let inode = || fs::metadata(session.at("search/lex:importer/results.jsonl")).expect("metadata").ino();
    let before = inode();
    assert_eq!(inode(), before);
    session.write("work/other.md", "# Other\n\nThe importer again.\n");
    until("the new file is found", DEADLINE, || session.hits("lex:importer").len() == 2);
    assert_ne!(inode(), before, "other bytes are another file");
}

#[test]
fn similar_takes_a_path() {
    let session = Session::with(NOTES);
    session.wait_for_meaning();
    let vault = session.vault().canonicalize().expect("real");
    let path = format!("similar{}", vault.join("garden/tomato.md").display());
    assert!(session.read(format!("{path}/results.txt")).contains("leek.md:"));
    assert!(!session.read(format!("{path}/results.txt")).contains("tomato.md:"));
    assert!(fs::metadata(session.at("similar/no/such/file.md")).is_err());
    assert!(fs::metadata(session.at("similar/etc/hostname")).is_err(), "it is in no source");
    assert!(session.list(format!("similar{}/garden", vault.display())).is_empty(), "a directory is like nothing");
}

#[test]
fn similar_takes_names_with_signs_and_paths_in_the_tree() {
    let (a, b) = ("# Tea\n\nTea with milk and honey.\n", "# Rebate\n\nTea is cheaper with a rebate on honey.\n");
    let session = Session::with(&[("a.md", a), ("50%25 off.md", b), ("100%.md", "# All\n\nAll the honey and milk.\n")]);
    fs::write(session.at("knowledge/notes/mine.md"), "# Mine\n\nMy tea with honey.\n").expect("a note");
    until("the note is found", DEADLINE, || session.hits("lex:tea").len() == 3);
    session.wait_for_meaning();
    let (vault, tree) = (session.vault().canonicalize().expect("real"), session.mountpoint());
    let whole = |name: &str| vault.join(name).display().to_string().replace('%', "%25").replace('/', "%2F");
    let paths = [
        format!("{}/50%25 off.md", vault.display()),
        format!("{}/50%2525 off.md", vault.display()),
        format!("{}/100%.md", vault.display()),
        format!("{}/100%25.md", vault.display()),
        format!("/{}", whole("50%25 off.md")),
        format!("{}/knowledge/notes/mine.md", tree.display()),
        format!("{}/knowledge/sources/vault/a.md", tree.display()),
    ];
    for path in paths {
        assert_eq!(session.list(format!("similar{path}/files")).len(), 3, "{path}");
    }
    assert!(fs::metadata(session.at(format!("similar{}/knowledge/recent", tree.display()))).is_err());
}

#[test]
fn nothing_is_like_a_document_that_is_not_there() {
    let session = Session::with(NOTES);
    assert!(session.list("search/like:garden%2Fcarrot.md/files").is_empty());
    let explained = session.read("search/like:garden%2Fcarrot.md/explain.md");
    assert!(explained.contains("not used: like:\"garden/carrot.md\": it is not in the index"), "{explained}");
}

#[test]
fn after_hundreds_of_documents_were_compared_the_first_is_as_it_was() {
    let notes: Vec<(String, String)> =
        (0..300).map(|n| (format!("{n}.md"), format!("# Boat {n}\n\nBoat {n} has {} oars.\n", n * 7))).collect();
    let notes: Vec<(&str, &str)> = notes.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let session = Session::with(&notes);
    session.wait_for_meaning();
    let vault = session.vault().canonicalize().expect("real");
    let place = |n: usize| format!("similar{}/{n}.md", vault.display());
    let names = session.list(place(0));
    let mut open = fs::File::open(session.at(format!("{}/results.txt", place(0)))).expect("open");
    let narrowed = session.list(format!("{}/+ext:md", place(0)));
    for n in 1..300 {
        assert!(!session.list(place(n)).is_empty());
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut open, &mut text).expect("still open");
    assert!(text.contains(".md:"), "{text}");
    assert_eq!(session.list(place(0)), names);
    assert_eq!(session.list(format!("{}/+ext:md", place(0))), narrowed);
    assert!(session.list("search").is_empty(), "what is compared is no query");
}

#[test]
fn knowledge_lists_every_document() {
    let session = Session::with(NOTES);
    let all = ["leek.md", "main.rs", "plan.txt", "tomato.md"];
    assert_eq!(session.list("knowledge/recent"), all);
    assert_eq!(session.list("knowledge/by-type"), ["md", "rs", "txt"]);
    assert_eq!(session.list("knowledge/by-type/md"), ["leek.md", "tomato.md"]);
    assert_eq!(session.list("knowledge/by-tag"), ["garden"]);
    assert_eq!(session.list("knowledge/by-tag/garden"), ["tomato.md"]);
    assert_eq!(session.list("knowledge/by-date/2026/05/04"), ["tomato.md"]);
    assert_eq!(session.list("knowledge/sources"), ["conversations", "notes", "relationship", "vault"]);
    assert!(session.read("knowledge/recent/tomato.md").contains("window sill"));
}

#[test]
fn every_file_is_accounted_for() {
    let session = Session::sample(&["--model", "none"]);
    let lines: Vec<serde_json::Value> =
        session.read(".echo/coverage.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let state = |end: &str| {
        lines
            .iter()
            .find(|line| line["path"].as_str().is_some_and(|path| path.ends_with(end)))
            .map(|line| line["state"].clone())
    };
    assert_eq!(state("/.env"), Some("skipped".into()));
    for line in &lines {
        let (state, reason) = (line["state"].as_str().expect("a state"), line["reason"].as_str().expect("a reason"));
        assert!(state == "indexed" || state == "skipped" && !reason.is_empty(), "{line}");
    }
    let indexed = lines.iter().filter(|line| line["state"] == "indexed").count();
    assert_eq!(indexed as u64, session.status()["documents"].as_u64().expect("a number"));
}

#[test]
fn bad_queries_are_answered() {
    let session = Session::with(NOTES);
    for query in ["((( \"seeds field: OR", "-", "type:", "\"", "AND", "🍅", "a%2Fb 100%25", &"word ".repeat(150)] {
        assert!(session.list(format!("search/{}", query.trim())).contains(&"results.jsonl".to_owned()), "{query}");
    }
    assert!(!session.hits("((( \"seeds field: OR").is_empty());
    let long = "x".repeat(1100);
    assert!(fs::metadata(session.at(format!("search/{long}"))).is_err());
}

#[test]
fn looking_does_not_wait_for_embeddings_that_are_being_made() {
    let notes: Vec<(String, String)> = (0..400)
        .map(|n| {
            (
                format!("trip-{n}.md"),
                format!("# Trip {n}\n\nOn day {n} the ketch went out to island number {n} and back.\n"),
            )
        })
        .collect();
    let notes: Vec<(&str, &str)> = notes.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut session = Session::unmounted(&notes);
    session.mount();
    session.wait_for_words();
    assert!(session.list("search/ketch island 77").len() > 4, "what is known is listed");
    let explained = session.read("search/ketch island 78/explain.md");
    assert!(explained.contains("are not yet searchable by meaning"), "{explained}");
    session.wait_for_meaning();
    let explained = session.read("search/ketch island 79/explain.md");
    assert!(!explained.contains("not yet searchable"), "{explained}");
}
