//! A message goes on from the one before it.

use echofs_inference::{Cancel, Request};

use super::{Script, over};
use crate::answer::{Conversation, Stream};

/// Twelve sentences, too long for one prompt.
fn painters() -> String {
    let rooms = "kitchen cellar attic pantry hall porch study nursery parlour bathroom workshop larder";
    let people = "Anna Berta Carla Doris Edith Frida Greta Hanna Irene Jutta Klara Lotte";
    let told = |(room, who): (&str, &str)| {
        format!(
            "The {room} of the harbour house was painted by {who} alone, with two coats of white and a grey line above the floor."
        )
    };
    rooms.split(' ').zip(people.split(' ')).map(told).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_message_about_what_was_just_read_goes_on_from_it() {
    let bench = over(&[("/n/house.md", &painters())], Script::Says("Frida"));
    let [first, second, third] =
        ["porch", "study", "larder"].map(|room| format!("Who painted the {room} of the harbour house?"));
    let reply = |question: &str, conversation: &mut Conversation| {
        let done = bench.answers.reply(question, conversation, &Stream::default(), &Cancel::default());
        assert!(done.is_ok(), "{question}");
        bench.model.prompts.lock().unwrap().last().cloned().unwrap()
    };
    let shown = |request: &Request| request.messages.last().map(|message| message.parts[..2].to_vec());
    let mut chat = Conversation::new("chat/home");
    let begun = reply(&first, &mut chat);
    assert_eq!(begun.conversation.as_deref(), Some("chat/home 1"));
    let next = reply(&second, &mut chat);
    assert_eq!((shown(&next), &next.conversation), (shown(&begun), &begun.conversation));
    let mut restarted = bench.answers.recall("chat/home", &first);
    assert_eq!(shown(&reply(&second, &mut restarted)), shown(&begun), "after a restart too");
    assert_ne!(shown(&reply(&third, &mut chat)), shown(&begun), "it does not hold what answers this");
    bench.markdown(&second);
    let alone = bench.model.prompts.lock().unwrap().last().cloned().unwrap();
    assert_eq!(alone.conversation, None);
    assert_ne!(shown(&alone), shown(&begun), "a question by itself has its own surroundings");
}

#[test]
fn what_one_says_of_oneself_is_no_answer_about_the_other() {
    let talk = "# Talk\n\n## user, 2026-03-14 09:00\n\nOda: How was the race in Bergen?\n\n\
                ## assistant, 2026-03-14 09:01\n\nIvo: It was long. I lost my red hat on the old bridge.\n";
    let bench = over(&[("/c/talk.md", talk)], Script::Says("on the old bridge [1]"));
    let answerable = |question: &str| bench.json(question)["answerable"] == true;
    assert!(answerable("Where did Ivo lose the red hat?"));
    assert!(!answerable("Where did Oda lose the red hat?"));
    assert!(answerable("Where did Ivo tell Oda that he lost the red hat?"), "it names both");
}
