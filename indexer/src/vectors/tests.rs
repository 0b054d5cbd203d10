//! The vectors as a whole: what searches find beside a plain scan, and what is left of them after any damage.

use std::fs;
use std::path::Path;
use std::sync::{Arc, RwLock};

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, proptest};

use super::generation::Generations;
use super::*;
use crate::record::tests::record;
use crate::record::{Content, Key, Record, Table};

const DIM: usize = 48;

fn unit(seed: u64, dim: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let vector: Vec<f32> = (0..dim).map(|_| next()).collect();
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / norm).collect()
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn set(numbers: impl IntoIterator<Item = u32>, len: usize) -> Bits {
    let mut bits = Bits::none(len);
    numbers.into_iter().for_each(|n| bits.insert(n));
    bits
}

fn all(count: usize) -> Bits {
    set(0..count as u32, count)
}

/// One document a vector.
fn filled(count: u32) -> Vectors {
    let mut vectors = Vectors::new(DIM);
    (0..count).for_each(|serial| assert!(vectors.add(serial, &[unit(serial.into(), DIM)])));
    vectors
}

/// The same with a graph, of which hnsw_rs built the first `seeded` rows.
fn with_graph(count: u32, seeded: usize) -> Vectors {
    let mut vectors = filled(count);
    vectors.scan_up_to(0);
    vectors.plant(seed(&vectors.rows.first(seeded), &|| false).expect("not stopped"));
    grow(&mut vectors);
    vectors
}

fn grow(vectors: &mut Vectors) {
    while let Some(Growth::Row(plan)) = vectors.growth() {
        vectors.grow(plan);
    }
}

fn top(vectors: &Vectors, query: &[f32], allowed: &Bits, serials: usize) -> Vec<Serial> {
    let nearest = vectors.nearest(&Quantised::new(query), allowed, serials, &[]);
    let mut found = nearest.found.clone();
    found.sort_by(|a, b| nearest.score[*b as usize].total_cmp(&nearest.score[*a as usize]));
    found.truncate(10);
    found
}

/// The same from the vectors as they were given.
fn truth(query: &[f32], serials: impl Iterator<Item = u32>) -> Vec<Serial> {
    let mut scored: Vec<(f32, Serial)> = serials.map(|n| (product(query, &unit(n.into(), DIM)), n)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(10).map(|(_, serial)| serial).collect()
}

fn common(a: &[Serial], b: &[Serial]) -> usize {
    a.iter().filter(|serial| b.contains(serial)).count()
}

#[test]
fn cosines_are_close_to_exact() {
    let mut vectors = Vectors::new(384);
    for serial in 0..50 {
        assert!(vectors.add(serial, &[unit(serial.into(), 384), unit(serial as u64 + 1000, 384)]));
    }
    let query = unit(7, 384);
    let nearest = vectors.nearest(&Quantised::new(&query), &all(50), 50, &[]);
    for serial in 0..50u64 {
        let best = product(&query, &unit(serial, 384)).max(product(&query, &unit(serial + 1000, 384)));
        assert!((nearest.score[serial as usize] - best).abs() < 0.001);
    }
    assert!(nearest.score[7] > 0.999);
}

#[test]
fn removed_and_filtered_documents_are_not_found() {
    let mut vectors = filled(3_000);
    (0..2_000).for_each(|serial| vectors.remove(serial));
    assert_eq!((vectors.size().living, vectors.size().dead), (1_000, 2_000));
    vectors.rename(2_500, 3_500);
    let mut allowed = all(4_000);
    allowed.subtract(&set([2_999], 4_000));
    let query = Quantised::new(&unit(2_500, DIM));
    let found = vectors.nearest(&query, &allowed, 4_000, &[]);
    assert_eq!(found.found.len(), 999);
    assert!(found.score[3_500] > 0.98 && found.score[2_999] == f32::NEG_INFINITY);
    assert_eq!(vectors.parts(&query, 3_500).len(), 1);
}

#[test]
fn passages_come_one_document_after_the_other() {
    let mut vectors = Vectors::new(16);
    assert!(vectors.add(1, &[unit(1, 16)]) && vectors.add(1, &[unit(2, 16)]));
    assert_eq!(vectors.known(1), 2);
    assert!(vectors.add(2, &[unit(3, 16)]));
    assert!(!vectors.add(1, &[unit(4, 16)]));
    assert_eq!((vectors.known(1), vectors.size().living), (2, 3));
    let sum = vectors.sum(1).expect("two passages");
    assert!(sum.iter().zip(unit(1, 16).iter().zip(unit(2, 16))).all(|(s, (a, b))| (s - a - b).abs() < 0.001));
}

#[test]
fn vectors_without_direction_match_nothing() {
    let mut vectors = Vectors::new(4);
    vectors.add(0, &[vec![0.0; 4], vec![f32::NAN; 4], vec![1.0; 3]]);
    let nearest = vectors.nearest(&Quantised::new(&[0.5; 4]), &all(1), 1, &[]);
    assert_eq!(nearest.score[0], 0.0);
}

#[test]
fn the_graph_finds_what_a_scan_finds() {
    let mut vectors = with_graph(2_000, 300);
    let everything = all(2_000);
    assert_eq!(vectors.size().in_graph, 2_000);
    assert_eq!(vectors.nearest(&Quantised::new(&unit(9, DIM)), &everything, 2_000, &[77, 5]).method, "hnsw");
    vectors.remove(77);
    let queries = (0..50).map(|n| unit(90_000 + n, DIM));
    let same: usize = queries
        .map(|q| common(&top(&vectors, &q, &everything, 2_000), &truth(&q, (0..2_000).filter(|n| *n != 77))))
        .sum();
    assert!(same >= 490, "recall {same} of 500");

    vectors.add(1_999, &[unit(90_000, DIM)]);
    assert_eq!(top(&vectors, &unit(90_000, DIM), &everything, 2_000)[0], 1_999, "a row that is not in the graph yet");
}

#[test]
fn few_rows_have_no_graph() {
    assert!(filled(100).growth().is_none());
    let nearest = filled(100).nearest(&Quantised::new(&unit(3, DIM)), &all(100), 100, &[]);
    assert_eq!((nearest.method, nearest.found.len()), ("exact scan", 100));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is removed and filtered: nothing else is found, nearly all of what is nearest is, with its true cosine.
    #[test]
    fn any_search_finds_what_a_scan_finds(
        seeded in 1usize..400,
        removed in prop::collection::vec(0u32..600, 0..300),
        one_in in 1u32..20,
        query in any::<u32>(),
    ) {
        let mut vectors = with_graph(600, seeded);
        removed.iter().for_each(|serial| vectors.remove(*serial));
        let passes = |n: &u32| n.is_multiple_of(one_in);
        let allowed = set((0..600).filter(passes), 600);
        let query = unit(u64::from(query) + 1_000, DIM);
        let found = top(&vectors, &query, &allowed, 600);
        let living: Vec<u32> = (0..600).filter(passes).filter(|n| !removed.contains(n)).collect();
        prop_assert!(found.iter().all(|serial| living.contains(serial)));
        let truth = truth(&query, living.into_iter());
        prop_assert!(common(&found, &truth) * 10 >= truth.len() * 8, "{found:?} for {truth:?}");
        let nearest = vectors.nearest(&Quantised::new(&query), &allowed, 600, &[]);
        for serial in found {
            prop_assert!((nearest.score[serial as usize] - product(&query, &unit(serial.into(), DIM))).abs() < 0.001);
        }
    }
}

fn key(n: u32) -> Key {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&n.to_be_bytes());
    key
}

/// Documents of one passage each, whose serial numbers begin at `first`.
fn table(count: u32, first: u32) -> Table {
    let one = |n: u32| {
        let record = record(&format!("/{n}"), first + n);
        let content = record.content.clone().map(|content| Content { keys: vec![key(n)], ..content });
        Arc::new(Record { content, ..record })
    };
    Table::new((0..count).map(one).collect())
}

fn saved(dir: &Path, count: u32) -> (RwLock<Vectors>, Generations) {
    let vectors = RwLock::new(with_graph(count, 100));
    let generations = Generations::in_dir(dir);
    save(&vectors, &table(count, 0), &generations, &|| false).expect("saved");
    (vectors, generations)
}

#[test]
fn a_generation_holds_the_living_and_is_searched_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (vectors, generations) = saved(dir.path(), 1_000);
    assert_eq!(generations.numbers(), [1]);
    assert_eq!(vectors.read().unwrap().size(), Size { living: 1_000, dead: 0, in_graph: 1_000, unsaved: 0 });

    (0..1_000).filter(|n| n % 3 == 0).for_each(|n| vectors.write().unwrap().remove(n));
    vectors.write().unwrap().add(5_000, &[unit(5_000, DIM)]);
    vectors.write().unwrap().rename(1, 6_000);
    assert!(vectors.read().unwrap().is_worth_saving(10_000) || vectors.read().unwrap().size().dead == 334);
    save(&vectors, &table(1_000, 0), &generations, &|| false).expect("saved");
    assert_eq!(generations.numbers(), [2]);
    let vectors = vectors.into_inner().unwrap();
    // 5,000 and 6,000 are in no table: they come from the cache again.
    assert_eq!(vectors.size(), Size { living: 665, dead: 0, in_graph: 665, unsaved: 0 });

    let loaded = generations.load(DIM).unwrap().expect("there");
    let again = Vectors::adopt(loaded, &table(1_000, 10_000));
    assert_eq!(again.size(), vectors.size());
    let everything = all(11_000);
    let queries = (0..50).map(|n| unit(70_000 + n, DIM));
    let same: usize = queries
        .map(|q| {
            let found: Vec<u32> = top(&again, &q, &everything, 11_000).iter().map(|serial| serial - 10_000).collect();
            common(&found, &truth(&q, (2..1_000).filter(|n| n % 3 != 0)))
        })
        .sum();
    assert!(same >= 485, "recall {same} of 500 after rows were taken out of the graph");
}

#[test]
fn a_graph_of_which_most_is_gone_is_built_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (vectors, generations) = saved(dir.path(), 500);
    (0..400).for_each(|n| vectors.write().unwrap().remove(n));
    save(&vectors, &table(500, 0), &generations, &|| false).expect("saved");
    assert_eq!(vectors.read().unwrap().size(), Size { living: 100, dead: 0, in_graph: 0, unsaved: 0 });
}

#[test]
fn a_save_that_is_stopped_leaves_the_last_generation() {
    let dir = tempfile::tempdir().unwrap();
    let (vectors, generations) = saved(dir.path(), 300);
    save(&vectors, &table(300, 0), &generations, &|| true).expect("stopped");
    assert_eq!(generations.numbers(), [1]);
    assert!(!dir.path().join("unfinished").exists());
    fs::create_dir(dir.path().join("unfinished")).unwrap();
    assert_eq!(generations.load(DIM).unwrap().expect("there").keys.len(), 300);
    assert!(!dir.path().join("unfinished").exists());
}

#[test]
fn any_damage_is_found_out_and_moved_aside() {
    let whole = tempfile::tempdir().unwrap();
    saved(whole.path(), 300);
    let other = tempfile::tempdir().unwrap();
    saved(other.path(), 301);
    let name = "generation-1";
    type Damage<'a> = (&'a str, &'a dyn Fn(&Path));
    let damages: [Damage; 5] = [
        ("cut short", &|file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("a bit", &|file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            fs::write(file, bytes).unwrap();
        }),
        ("longer", &|file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, [&bytes[..], b"xxxx"].concat()).unwrap();
        }),
        ("missing", &|file| fs::remove_file(file).unwrap()),
        ("of another generation", &|file| {
            fs::copy(other.path().join(name).join(file.file_name().unwrap()), file).unwrap();
        }),
    ];
    for file in ["coarse", "fine", "rows", "links", "manifest.json"] {
        for (what, damage) in damages {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join(name)).unwrap();
            for file in fs::read_dir(whole.path().join(name)).unwrap().flatten() {
                fs::copy(file.path(), dir.path().join(name).join(file.file_name())).unwrap();
            }
            damage(&dir.path().join(name).join(file));
            let generations = Generations::in_dir(dir.path());
            assert!(generations.load(DIM).unwrap().is_none(), "{file} {what}");
            assert!(dir.path().join(format!("{name}.damaged")).exists() && generations.numbers().is_empty());
            generations.remove_damaged().unwrap();
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}

#[test]
fn the_older_generation_serves_when_the_newer_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let (vectors, generations) = saved(dir.path(), 300);
    fs::rename(dir.path().join("generation-1"), dir.path().join("kept")).unwrap();
    save(&vectors, &table(300, 0), &generations, &|| false).expect("saved");
    fs::rename(dir.path().join("generation-1"), dir.path().join("generation-2")).unwrap();
    fs::rename(dir.path().join("kept"), dir.path().join("generation-1")).unwrap();
    fs::write(dir.path().join("generation-2/links"), "").unwrap();
    assert_eq!(generations.load(DIM).unwrap().expect("the first").keys.len(), 300);
    assert_eq!(generations.numbers(), [1]);
}

#[test]
fn an_audit_tells_the_recall() {
    let vectors = RwLock::new(with_graph(1_500, 100));
    let recall = audit(&vectors, &|| false).expect("a graph");
    assert!(recall.at_10 > 0.97 && recall.sample == 50 && recall.rows == 1_500, "{recall:?}");
    assert!(audit(&vectors, &|| true).is_none());
    assert!(audit(&RwLock::new(filled(100)), &|| false).is_none());
    // Without links, only where a walk starts is found.
    let alone = Graph::of(vec![u32::MAX; 1_500 * graph::LINKS]);
    vectors.write().unwrap().plant(alone);
    let before = vectors.read().unwrap().effort;
    assert!(audit(&vectors, &|| false).expect("a graph").at_10 < 0.5);
    assert!(vectors.read().unwrap().effort > before);
}
