//! Tables of sentences and what they state.

use super::document::{Document, facts};
use super::fact::{Category, Found};
use crate::Passage;

fn found(text: &str) -> Vec<Found> {
    let passage = Passage { text: text.into(), line: 1, ..Passage::default() };
    facts(&Document { title: "Title", media: "markdown", date: None, language: None }, [&passage].into_iter())
}

/// Each of these is stated; what else is stated does not matter.
fn check(text: &str, want: &[&str]) {
    let got: Vec<String> =
        found(text).iter().map(|f| format!("{} | {} | {}", f.subject, f.predicate, f.object)).collect();
    for one in want {
        assert!(got.iter().any(|g| g == one), "{text}\nwants {one}\nhas {got:#?}");
    }
}

fn check_none(text: &str) {
    assert_eq!(found(text), Vec::new(), "{text}");
}

#[test]
fn verbs_and_their_arguments() {
    check("Oda repaired the old pump.", &["Oda | repaired | the old pump"]);
    check("Oda works for the mill in Bergen.", &["Oda | works for | the mill"]);
    check(
        "The pump was repaired by Oda in March 2019.",
        &["The pump | was repaired by | Oda", "The pump | was repaired in | March 2019"],
    );
    check("Kari lives and works in Oslo.", &["Kari | lives in | Oslo", "Kari | works in | Oslo"]);
    check(
        "Kari bought flour, eggs and butter.",
        &["Kari | bought | flour", "Kari | bought | eggs", "Kari | bought | butter"],
    );
    check("Kari moved from Bergen to Oslo.", &["Kari | moved from | Bergen", "Kari | moved to | Oslo"]);
    check("Mateo is allergic to cashew.", &["Mateo | is allergic to | cashew"]);
    check("The key is in the drawer.", &["The key | is in | the drawer"]);
    check("We decided to keep the old wheel.", &["We | decided to keep | the old wheel"]);
    check("Kari said the mill was closed.", &["Kari | said that | the mill was closed", "the mill | was | closed"]);
}

#[test]
fn clauses_within_clauses() {
    check(
        "The mill, which was built in 1870, belongs to Oda.",
        &["The mill | was built in | 1870", "The mill | belongs to | Oda"],
    );
    check("Oda is a miller who collects barometers.", &["Oda | is | a miller", "Oda | collects | barometers"]);
    check(
        "The company founded by Kari makes pumps.",
        &["The company | was founded by | Kari", "The company | makes | pumps"],
    );
    check("Oda sold the boat and bought a house.", &["Oda | sold | the boat", "Oda | bought | a house"]);
    check("Founded in 1990, Acme makes pumps.", &["Acme | was Founded in | 1990", "Acme | makes | pumps"]);
    check("Oda moved to Oslo, where she opened a bakery.", &["Oda | moved to | Oslo", "Oda | opened | a bakery"]);
}

#[test]
fn verbs_that_look_like_nouns() {
    check("This road joined the towns and led to a market.", &["This road | joined | the towns"]);
    check("The new wheel consists of oak.", &["The new wheel | consists of | oak"]);
    check("Many came from the islands.", &["Many | came from | the islands"]);
    check("The pump costs 300 euros.", &["The pump | costs | 300 euros"]);
    check("The club also hosts dinners in May.", &["The club | also hosts | dinners in May"]);
    check("Kari began to drain the tank.", &["Kari | began to drain | the tank"]);
    check("That amounts to forty litres.", &["That | amounts to | forty litres"]);
    check("The mill was sold and retains a slate roof.", &["The mill | retains | a slate roof"]);
    check("Oda owns a shop that sells fish.", &["a shop | sells | fish"]);
    check("I like green tea.", &["I | like | green tea"]);
    check_none("Two weeks in a small house.");
}

#[test]
fn what_belongs_together_stays_together() {
    check("The wheel became a sign of age and rain.", &["The wheel | became | a sign of age and rain"]);
    check("Kari needs boards sawn from old oak.", &["Kari | needs | boards sawn from old oak"]);
    check("Oda asked the miller to mend the wheel.", &["Oda | asked | the miller to mend the wheel"]);
    check(
        "The path follows the ditch between the barn and the mill.",
        &["The path | follows | the ditch between the barn and the mill"],
    );
    check("The storm led to an interest in stone walls.", &["The storm | led to | an interest in stone walls"]);
    check("The market takes place on Monday.", &["The market | takes place on | Monday"]);
    check("Kari described it as a success.", &["Kari | described it as | a success"]);
    check("Oda joined the Alder, Birk and Lind Railway.", &["Oda | joined | the Alder, Birk and Lind Railway"]);
    check("Oda designed and built the barn.", &["Oda | designed | the barn", "Oda | built | the barn"]);
}

#[test]
fn subjects_are_whole_and_right() {
    check("The link between Oslo and Bergen is slow.", &["The link | is | slow"]);
    check("A plan for new sheds, which was made in May, failed.", &["A plan | was made in | May"]);
    check("Oda bought a boat from Leith that carried salt.", &["a boat | carried | salt"]);
    check("Kari asked for a wall to be painted by Oda.", &["a wall | to be painted by | Oda"]);
    check("The barn, the shed and the mill were sold to Oda.", &["The barn | were sold to | Oda"]);
    check("Kari is in charge of the old wheel.", &["Kari | is in charge of | the old wheel"]);
    check("Oda met Kari Lund, whose mill makes flour.", &["Kari Lund's mill | makes | flour"]);
    check("Acme this year sold two boats.", &["Acme | sold | two boats"]);
    check(
        "Kari built sheds, bought old tools, and sold a boat.",
        &["Kari | bought | old tools", "Kari | sold | a boat"],
    );
    check("There is a spare key in the shed.", &["a spare key | is in | the shed"]);
    check("During the long drought, the well was closed.", &["the well | was closed during | the long drought"]);
}

#[test]
fn names_and_places() {
    check("They sailed from a pier near Leith, Scotland.", &["Leith | is in | Scotland"]);
    check("Kari sold the ferry Alma to Per.", &["Alma | is | ferry"]);
    check("Arne, leader of the Alder and friends, resigned.", &["Arne | is leader of | the Alder"]);
    let years = found("The Corn Hall (1825–1833) is a ruin.");
    assert!(!years.iter().any(|fact| fact.predicate.contains("born")), "{years:#?}");
}

#[test]
fn what_says_nothing_by_itself_is_left_out() {
    for (text, object) in [("This allows me to see the loch.", "me"), ("The wheels do not all turn.", "all turn")] {
        let all = found(text);
        assert!(!all.iter().any(|fact| fact.object == object), "{text}: {all:#?}");
    }
    assert!(!found("The pump would be sold.").iter().any(|fact| fact.object == "sold"));
}

#[test]
fn lives() {
    check("He worked there until his death in 2011.", &["he | died in | 2011"]);
    check("In 1982 Oda Brekke died.", &["Oda Brekke | died in | 1982"]);
    check(
        "Ada Lovelace (born 1815 in London, died 1852) wrote programs.",
        &["Ada Lovelace | was born | 1815", "Ada Lovelace | died | 1852"],
    );
    check(
        "Oda was born in Oslo, the daughter of Per and Kari.",
        &["Oda | was born in | Oslo", "Oda | is the daughter of | Per", "Oda | is the daughter of | Kari"],
    );
    check("As head of Arrin Mill, Oda hired two men.", &["Oda | is head of | Arrin Mill", "Oda | hired | two men"]);
    check("Oda founded Arrin Mill in 1990.", &["Arrin Mill | was founded in | 1990"]);
    check("Kari Lund is a Green Party politician.", &["Kari Lund | is a member of | Green Party"]);
    check("Oda and Kari sold the boat.", &["Oda | sold | the boat", "Kari | sold | the boat"]);
    check("People who came to Oslo are tired.", &["People | came to | Oslo", "People | are | tired"]);
}

#[test]
fn noun_phrases() {
    check("Kari Lund, the head of Arrin Mill, resigned on Monday.", &["Kari Lund | is the head of | Arrin Mill"]);
    check(
        "Kari is the founder and CEO of Arrin Mill.",
        &["Kari | is the founder of | Arrin Mill", "Kari | is CEO of | Arrin Mill"],
    );
    check("Acme CEO Jane Doe spoke first.", &["Jane Doe | is CEO of | Acme"]);
    check("Acme's CEO is Jane Doe.", &["Jane Doe | is CEO of | Acme"]);
    check("His wife Mary paints boats.", &["Mary | is wife of | him", "His wife Mary | paints | boats"]);
    check(
        "Ada Lovelace (1815-1852) wrote programs.",
        &["Ada Lovelace | was born on | 1815", "Ada Lovelace | died on | 1852"],
    );
    check("The Paris-based company makes hats. They like the Oslo-based Acme.", &["Acme | is based in | Oslo"]);
    check("Kari Lund is a Norwegian painter.", &["Kari Lund | has nationality | Norwegian"]);
}

#[test]
fn pronouns_stand_for_the_last_person() {
    check("Oda Brekke lives in Bergen. She owns a boat.", &["Oda Brekke | owns | a boat"]);
}

#[test]
fn what_states_nothing() {
    check_none("```\nOda works for the mill.\n```\n");
    check_none("# Oda works for the mill\n");
    check_none("Yes.\n");
}

#[test]
fn quotations_stand_where_they_are_said_to() {
    let text = "Some words here.\n\nOda Brekke works for\nthe mill. She owns **a boat**.\n\n- [ ] call Oda\n";
    let all = found(text);
    assert!(all.len() >= 3, "{all:#?}");
    for fact in all {
        let rest: Vec<&str> = text.lines().skip(fact.line as usize - 1).collect();
        let at = rest.join("\n").find(&fact.quote);
        assert!(at.is_some_and(|at| at < rest[0].len()), "{fact:?}");
    }
}

#[test]
fn a_question_states_nothing() {
    assert_eq!(found("When did Oda Berg move to Lisbon? Did she say \"Kari lives in Oslo?\"").len(), 0);
    assert_eq!(found("Who asks? Oda Berg moved to Lisbon.").len(), 1);
}

#[test]
fn kinds_of_statements() {
    let check = |text: &str, object: &str, want: Category| {
        let all = found(text);
        let fact = all.iter().find(|f| f.object == object).unwrap_or_else(|| panic!("{text}: {all:#?}"));
        assert_eq!(fact.category, want, "{text}");
    };
    check("I prefer green tea.", "green tea", Category::Preference);
    check("I like coffee.", "coffee", Category::Preference);
    check("Kari likes boats.", "boats", Category::Preference);
    check("We chose SQLite in May.", "SQLite", Category::Decision);
    check("Oda lives in Bergen.", "Bergen", Category::Location);
    check("Oda works for the mill.", "the mill", Category::Person);
    check("Oda is the mother of Kari.", "Kari", Category::Person);
    check("The tank holds 40 litres.", "40 litres", Category::Quantity);
    check("A quern is a small mill.", "a small mill", Category::Definition);
    check("Oda Brekke is a miller.", "a miller", Category::Identity);
}

#[test]
fn not_to_like_something_is_a_preference() {
    let check = |text: &str, want: &str| {
        let all = found(text);
        let told = |f: &Found| format!("{} | {} | {}", f.subject, f.predicate, f.object);
        let fact = all.iter().find(|f| told(f) == want).unwrap_or_else(|| panic!("{text}: {all:#?}"));
        assert_eq!(fact.category, Category::Preference, "{text}");
    };
    check("Kari does not like boats.", "Kari | dislikes | boats");
    check("I don't like green tea.", "I | dislike | green tea");
    check("I do not like the old boat.", "I | dislike | the old boat");
    check("They didn't like the boat.", "They | disliked | the boat");
    check("I no longer like coffee.", "I | no longer like | coffee");
    check("Kari no longer likes boats.", "Kari | no longer likes | boats");
    check("I never like soup.", "I | never like | soup");
    check("I dislike soup.", "I | dislike | soup");
}

#[test]
fn like_is_most_often_no_verb() {
    for text in [
        "Does Kari not like boats?",
        "Kari would not like a boat.",
        "The shed does not look like a barn.",
        "There is nothing like a boat.",
        "Kari does nothing like her mother.",
        "It is no longer like the old mill.",
        "The mill did not, like the barn, burn down.",
        "Kari does not work like her mother.",
    ] {
        let all = found(text);
        assert!(all.iter().all(|f| f.category != Category::Preference), "{text}: {all:#?}");
    }
}

#[test]
fn what_may_be_is_less_sure_than_what_is() {
    let sure = |text: &str, object: &str| {
        let all = found(text);
        all.iter().find(|f| f.object == object).unwrap_or_else(|| panic!("{text}: {all:#?}")).confidence
    };
    let plain = sure("Oda owns a boat.", "a boat");
    for text in ["Oda could own a boat.", "Kari comes if Oda owns a boat.", "You own a boat.", "A miller owns a boat."]
    {
        assert!(sure(text, "a boat") < plain, "{text}");
    }
    assert!(sure("Oda owns it.", "it") < plain);
}

#[test]
fn other_languages_are_not_read_as_english() {
    let text = "Telefonat mit Oda Brekke, am 18 war die Mühle noch offen und der Müller war da.";
    let passage = Passage { text: text.into(), line: 1, ..Passage::default() };
    let document = Document { title: "Title", media: "markdown", date: None, language: Some("deu") };
    assert_eq!(facts(&document, [&passage].into_iter()), Vec::new());
}

#[test]
fn hostile_text_costs_little() {
    let words = "the a of in , ( ' \" - x. ".repeat(4_000);
    let brackets = "((((((((((".repeat(2_000);
    let odd = "\u{feff}\u{202e}ß’s n't 's 's\n\u{0} | | |\n||||\n- [ ]\n: \n".repeat(200);
    let begun = std::time::Instant::now();
    [words, brackets, odd].iter().for_each(|text| drop(found(text)));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}
