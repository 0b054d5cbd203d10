//! Topics formed of points whose groups are known, and what stays when documents come and go.

use super::form::form;
use super::heirs::inherit;
use super::points::Points;
use super::topic::{Place, Topic, Topics};

const DIM: usize = 16;

/// Documents around `count` axes, `size` each, in turns. Those of one axis are of two kinds, which are so far apart.
fn around(count: usize, size: usize, apart: f32) -> (Points, Vec<(u64, [u8; 16])>) {
    let mut points = Points::new(DIM);
    let mut documents = Vec::new();
    for n in 0..count * size {
        let mut row = [0.0; DIM];
        row[n % count] = 1.0;
        row[DIM - 1 - n / count % 2] = apart;
        row[(n + 3 * (n / count)) % 12] += 0.1;
        points.push(&row);
        documents.push((n as u64, [n as u8; 16]));
    }
    (points, documents)
}

fn formed(count: usize, size: usize, apart: f32) -> Topics {
    let (points, documents) = around(count, size, apart);
    form(&points, &documents, &|| false).unwrap()
}

fn home(topics: &Topics, document: u64) -> usize {
    topics.top_of(topics.places[&document].home.unwrap())
}

#[test]
fn documents_of_one_kind_stand_together_and_large_topics_are_divided() {
    let topics = formed(12, 60, 0.25);
    assert_eq!(topics.tops().count(), 12);
    for n in 0..720 {
        assert_eq!(home(&topics, n), home(&topics, n % 12), "{n}");
    }
    let divided = formed(12, 40, 0.45);
    let path = |n: u64| divided.path(divided.places[&n].home.unwrap());
    for n in 0..480 {
        assert_eq!(path(n), path(n % 24), "{n}");
    }
    assert!(divided.topics.iter().any(|topic| topic.parent.is_some()));
    assert!(form(&Points::new(DIM), &[], &|| false).unwrap().topics.is_empty());
}

#[test]
fn few_documents_have_few_topics_and_no_second_level() {
    let topics = formed(2, 10, 0.1);
    assert!((2..=4).contains(&topics.tops().count()) && topics.topics.iter().all(|topic| topic.parent.is_none()));
    assert_eq!(formed(1, 1, 0.1).tops().count(), 1);
}

#[test]
fn what_is_like_nothing_is_misc_and_what_lies_between_two_stands_in_both() {
    let topics = formed(4, 15, 0.1);
    let mut stranger = [0.0; DIM];
    stranger[13] = 1.0;
    assert_eq!(topics.locate(&stranger), (None, None));
    let mut both = [0.0; DIM];
    for n in 0..2 {
        let centre = &topics.topics[home(&topics, n)].centre;
        both.iter_mut().zip(centre).for_each(|(a, b)| *a += b * 0.7);
    }
    let (first, second) = topics.locate(&both);
    let mut stands: Vec<usize> = first.into_iter().chain(second).map(|topic| topics.top_of(topic)).collect();
    let mut expected = vec![home(&topics, 0), home(&topics, 1)];
    stands.sort();
    expected.sort();
    assert_eq!(stands, expected);
}

#[test]
fn topics_formed_anew_keep_the_names_of_those_they_continue() {
    let mut former = formed(8, 40, 0.4);
    for (number, topic) in former.topics.iter_mut().enumerate() {
        topic.name = format!("name-{number}");
        topic.former = Some(format!("former-{number}"));
    }
    // A tenth is gone, and as many are new.
    let (points, mut documents) = around(8, 40, 0.4);
    documents.iter_mut().take(32).for_each(|(id, _)| *id += 10_000);
    let mut anew = form(&points, &documents, &|| false).unwrap();
    assert!(anew.topics.iter().all(|topic| topic.name.is_empty()));
    inherit(&mut anew, &former);
    for n in 32..320 {
        let path = |topics: &Topics| topics.path(topics.places[&n].home.unwrap());
        assert_eq!(path(&anew), path(&former), "{n}");
    }
    let renamed = anew.topics.iter().filter(|topic| topic.former.is_some());
    assert!(renamed.clone().count() > 8);
    renamed.for_each(|topic| assert_eq!(topic.former, Some(topic.name.replace("name", "former"))));
}

fn named(names: &[(&str, Option<usize>)], homes: &[Option<usize>]) -> Topics {
    let topic =
        |(name, parent): &(&str, Option<usize>)| Topic { name: (*name).into(), parent: *parent, ..Topic::default() };
    let place = |(id, home): (usize, &Option<usize>)| (id as u64, Place { home: *home, ..Place::default() });
    Topics {
        topics: names.iter().map(topic).collect(),
        places: homes.iter().enumerate().map(place).collect(),
        ..Topics::default()
    }
}

#[test]
fn topics_without_documents_go() {
    let mut topics = named(&[("a", None), ("b", None), ("c", Some(1)), ("d", Some(1))], &[Some(3), None]);
    topics.prune();
    let paths: Vec<String> = (0..topics.topics.len()).map(|topic| topics.path(topic)).collect();
    assert_eq!(paths, ["b", "b/d"]);
    assert_eq!((topics.places[&0].home, topics.places[&1].home), (Some(1), None));
}

#[test]
fn topics_are_found_by_name_path_and_words() {
    let topics = named(&[("git", None), ("rebase", Some(0)), ("vim-buffer", None)], &[Some(1), Some(2), Some(0)]);
    let check = |text: &str, want: &[usize]| assert_eq!(topics.named(text), want, "{text}");
    check("Git", &[0]);
    check("git/rebase", &[1]);
    check("vim buffer", &[2]);
    check("buffer", &[2]);
    check("boat", &[]);
    assert!(topics.is_in(0, &[0]) && topics.is_in(2, &[0]) && !topics.is_in(1, &[0]) && !topics.is_in(2, &[1]));
}

#[test]
fn a_topic_is_found_under_its_former_name_as_long_as_no_other_has_it() {
    let mut topics = named(&[("git", None), ("rebase", Some(0)), ("vim", None), ("merging", Some(0))], &[Some(1)]);
    topics.topics[0].former = Some("commits".into());
    topics.topics[1].former = Some("merging".into());
    topics.topics[2].former = Some("buffers".into());
    let check = |path: &str, want: Option<usize>| assert_eq!(topics.at(path), want, "{path}");
    check("git/rebase", Some(1));
    check("commits", Some(0));
    check("commits/rebase", Some(1));
    check("git/merging", Some(3));
    check("buffers", Some(2));
    check("vim/rebase", None);
    check("", None);
    assert_eq!(topics.named("Buffers"), [2]);
    assert_eq!(topics.named("commits/rebase"), [1]);
    assert_eq!(topics.named("merging"), [3]);
}
