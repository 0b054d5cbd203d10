//! What is put off changes nothing of what is among the best.

use proptest::prelude::*;

use super::*;
use crate::fuse::{self, Fusion};
use crate::lexical::Lexical;
use crate::lexical::tests::entry;
use crate::record::Table;
use crate::record::tests::record;
use crate::vectors::Nearest;

/// Words of which each is in about half as many documents as the one before.
const VOCABULARY: [&str; 8] = ["every", "most", "many", "quite", "fewer", "little", "rarely", "single"];
const BEST: usize = 5;

struct Indexed {
    words: Words,
    table: Table,
    _dir: tempfile::TempDir,
}

/// An index of documents with these words, from serial number 1.
fn index(documents: &[Vec<usize>]) -> Indexed {
    let dir = tempfile::tempdir().unwrap();
    let mut lexical = Lexical::open(dir.path()).unwrap();
    let mut records = Vec::new();
    for (serial, held) in (1..).zip(documents) {
        let text = held.iter().map(|word| VOCABULARY[*word]).collect::<Vec<_>>().join(" ");
        lexical.add(serial, &entry("", &[&text])).unwrap();
        records.push(record(&format!("/{serial:05}"), serial));
        if serial % 40 == 0 {
            lexical.commit().unwrap();
        }
    }
    lexical.commit().unwrap();
    let table = Table::new(records.into_iter().map(Into::into).collect());
    Indexed { words: lexical.snapshot(None).unwrap(), table, _dir: dir }
}

fn groups(query: &[usize]) -> Vec<Group> {
    let group = |word: &usize| Group {
        word: VOCABULARY[*word].into(),
        forms: vec![(VOCABULARY[*word].into(), 1.0)],
        corrected: false,
        weight: 1.0,
    };
    query.iter().map(group).collect()
}

/// The best documents with their scores, and whether any word was put off.
fn best(scorer: &Scorer, nearest: &Nearest, needed: Needed) -> (Vec<(Serial, f32)>, bool) {
    let mut scores = scorer.score(needed).unwrap();
    let put_off = scores.later() != 0;
    let first = fuse::first_by_words(&scores, scorer.ranking);
    scores.complete(scorer, first).unwrap();
    let contenders = fused(scorer, nearest, needed, &scores).contenders(BEST, scorer.ranking);
    scores.complete(scorer, contenders).unwrap();
    (fused(scorer, nearest, needed, &scores).best(BEST).to_vec(), put_off)
}

fn fused<'a>(scorer: &Scorer, nearest: &'a Nearest, needed: Needed, scores: &'a Scores) -> Fusion<'a> {
    Fusion::new(Some(scores), Some(nearest), needed, None, scorer.ranking)
}

/// Documents that hold each word with half the chance of the one before, some of it more than once.
fn documents() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let words = prop::collection::vec((0..VOCABULARY.len(), 0u32..100), 1..30);
    let document = words.prop_map(|words| {
        let mut held: Vec<usize> =
            words.into_iter().filter(|(word, chance)| *chance < 100 >> word).map(|(word, _)| word).collect();
        held.push(0);
        held
    });
    prop::collection::vec(document, 60..160)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_best_are_the_same_and_so_are_their_scores(
        documents in documents(),
        query in prop::sample::subsequence((0..VOCABULARY.len()).collect::<Vec<_>>(), 2..6),
        near in prop::collection::vec((1u32..160, 0.0f32..1.0), 0..20),
        telling in 1u64..64,
    ) {
        let Indexed { words, table, _dir } = &index(&documents);
        let mut nearest = Nearest { score: vec![f32::NEG_INFINITY; table.serials()], found: Vec::new(), method: "" };
        for (serial, score) in near {
            if (serial as usize) < table.serials() && nearest.score[serial as usize] == f32::NEG_INFINITY {
                nearest.score[serial as usize] = score;
                nearest.found.push(serial);
            }
        }
        let (groups, ranking, allowed) = (groups(&query), Ranking::default(), table.columns().live().clone());
        let scorer = Scorer { words, table, allowed: &allowed, groups: &groups, ranking: &ranking };
        let telling = (telling & ((1 << groups.len()) - 1)).max(1);
        let all = Needed { best: usize::MAX, left: 0, telling, counted: 0 };
        let (expected, put_off) = best(&scorer, &nearest, all);
        prop_assert!(!put_off);
        let (found, _) = best(&scorer, &nearest, Needed { best: BEST, ..all });
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            // Sums in another order.
            prop_assert!((found.1 - expected.1).abs() < 1e-5, "{:?} {:?}", found, expected);
        }
    }
}

#[test]
fn common_words_are_put_off_and_rare_ones_are_not() {
    let documents: Vec<Vec<usize>> = (0..200).map(|n| if n % 10 == 0 { vec![0, 0, 5] } else { vec![0, 1] }).collect();
    let Indexed { words, table, _dir } = &index(&documents);
    let (groups, ranking, allowed) = (groups(&[0, 5]), Ranking::default(), table.columns().live().clone());
    let scorer = Scorer { words, table, allowed: &allowed, groups: &groups, ranking: &ranking };
    let needed = Needed { best: BEST, left: 1_000, telling: 0b10, counted: 100 };
    let mut scores = scorer.score(needed).unwrap();
    assert_eq!((scores.later(), scores.found.len()), (0b01, 20), "twenty hold the rare one");
    assert_eq!((scores.matched(1), scores.matched(2)), (0b10, 0));
    scores.complete(&scorer, [1, 2]).unwrap();
    assert_eq!((scores.matched(1), scores.matched(2), scores.matched(11)), (0b11, 0b01, 0b10));
    let alone = scores.score(1);
    scores.complete(&scorer, [1]).unwrap();
    assert_eq!(scores.score(1), alone, "added once");
    assert_eq!(scorer.score(Needed { best: 21, ..needed }).unwrap().later(), 0, "there are no 21 with the rare one");
    assert_eq!(scorer.score(Needed { telling: 0b01, ..needed }).unwrap().later(), 0, "the common one tells");
}

#[test]
fn what_cannot_be_among_the_best_is_left_out() {
    let documents: Vec<Vec<usize>> = (0..50).map(|n| vec![2; n % 10 + 1]).collect();
    let Indexed { words, table, _dir } = &index(&documents);
    let (groups, ranking, allowed) = (groups(&[2]), Ranking::default(), table.columns().live().clone());
    let scorer = Scorer { words, table, allowed: &allowed, groups: &groups, ranking: &ranking };
    let needed = Needed { best: BEST, left: 0, telling: 1, counted: COUNTED };
    let scores = scorer.score(needed).unwrap();
    assert_eq!((scores.all().count(), scores.count(), scores.found), (50, 50, vec![10, 20, 30, 40, 50]));
    let whole = scorer.score(Needed { left: 50, ..needed }).unwrap();
    assert_eq!((whole.found.len(), whole.is_partial()), (50, false));
}

#[test]
fn few_that_a_filter_lets_through_are_looked_up() {
    let documents: Vec<Vec<usize>> = (0..200).map(|n| vec![0, n % 8]).collect();
    let Indexed { words, table, _dir } = &index(&documents);
    let (groups, ranking, mut few) = (groups(&[0, 3]), Ranking::default(), Bits::none(table.serials()));
    [4, 5, 77, 190].into_iter().for_each(|serial| few.insert(serial));
    let scorer = Scorer { words, table, allowed: &few, groups: &groups, ranking: &ranking };
    let scan = scorer.score(Needed { best: usize::MAX, left: 0, telling: 0b11, counted: usize::MAX }).unwrap();
    let look = scorer.score(Needed { best: usize::MAX, left: 0, telling: 0b11, counted: 100 }).unwrap();
    assert_eq!((look.words[0].held, look.words[0].estimated, scan.words[0].held), (200, true, 200));
    for serial in 0..table.serials() as Serial {
        assert_eq!(look.matched(serial), scan.matched(serial));
        assert!((look.score(serial) - scan.score(serial)).abs() < 1e-5);
    }
    assert_eq!(look.found.len(), 4);
}
