//! What is said in passing: it is no question to the notes, so nothing is looked up for it.

use echofs_inference::{Cancel, Generator, Message, Part, Request, Role};

use crate::answer::text::{one_line, tokens};

/// A longer message is about something.
const WORDS: usize = 8;
/// Tokens of a reply.
const OUTPUT: usize = 32;
/// The reply where the model has none that can be given.
const PLAIN: &str = "Noted. Ask me anything about your notes.";

const SYSTEM: &str = "\
You are EchoFS and answer questions from a person's own notes. The person now says something that is no question. Reply \
politely in one short sentence. State no facts and ask nothing.";

/// Each makes a message that consists of such words and the ones below talk.
const COURTESY: [&str; 32] = [
    "thanks",
    "thank",
    "thx",
    "cheers",
    "hi",
    "hello",
    "hey",
    "bye",
    "goodbye",
    "ok",
    "okay",
    "great",
    "good",
    "nice",
    "cool",
    "perfect",
    "excellent",
    "wonderful",
    "awesome",
    "fine",
    "sorry",
    "wow",
    "sure",
    "yes",
    "no",
    "yep",
    "nope",
    "morning",
    "evening",
    "brilliant",
    "lovely",
    "right",
];
const AROUND: [&str; 32] = [
    "you", "a", "lot", "so", "much", "very", "for", "that", "the", "it", "is", "was", "s", "all", "now", "there",
    "echofs", "and", "then", "well", "done", "help", "helpful", "answer", "to", "see", "got", "again", "i", "my", "me",
    "please",
];
/// How people begin when they tell something of themselves.
const TELLING: [&str; 3] = ["i", "we", "let"];
/// How a question begins.
const QUESTION: [&str; 9] = ["who", "whom", "whose", "what", "which", "when", "where", "why", "how"];
/// Words with which they ask for something all the same.
const ASKING: [&str; 23] = [
    "who",
    "whom",
    "whose",
    "what",
    "which",
    "when",
    "where",
    "why",
    "how",
    "whether",
    "if",
    "need",
    "want",
    "wonder",
    "wondering",
    "forgot",
    "forget",
    "remember",
    "know",
    "find",
    "like",
    "look",
    "looking",
];

/// Whether a message is courtesy, or tells something and asks nothing.
pub fn is_talk(message: &str) -> bool {
    let words = tokens(message);
    let is = |list: &[&str], at: usize| words.get(at).is_some_and(|word| list.contains(&word.lower.as_str()));
    let all = 0..words.len();
    if message.contains(['?', '\u{ff1f}', '\u{61f}']) {
        return false;
    }
    let courteous = words.len() <= WORDS
        && all.clone().any(|n| is(&COURTESY, n))
        && all.clone().all(|n| is(&COURTESY, n) || is(&AROUND, n));
    courteous || is(&TELLING, 0) && !all.clone().any(|n| is(&ASKING, n))
}

/// Whether a message is a question by its form.
pub fn asks(message: &str) -> bool {
    let first = tokens(message).into_iter().next();
    let marked = message.contains(['?', '\u{ff1f}', '\u{61f}']);
    marked || first.is_some_and(|word| QUESTION.contains(&word.lower.as_str()))
}

/// A sentence of the model in which nothing is claimed, else a plain one.
pub fn reply(generator: &dyn Generator, message: &str, cancel: &Cancel) -> String {
    if generator.model().is_none() {
        return PLAIN.to_owned();
    }
    let said = generator.generate(&request(message), cancel, &mut |_| ()).map(|completion| one_line(&completion.text));
    said.ok().filter(|said| claims_nothing(said, message)).unwrap_or_else(|| PLAIN.to_owned())
}

fn request(message: &str) -> Request {
    let system = Message { role: Role::System, parts: vec![Part::Text(SYSTEM.to_owned())] };
    let user = Message { role: Role::User, parts: vec![Part::Data(one_line(message))] };
    let messages = vec![system, user];
    Request { messages, max_tokens: OUTPUT, stop: vec!["\n".to_owned()], ..Request::default() }
}

/// Whether a reply is one whole sentence and names nothing that the owner has not named.
fn claims_nothing(said: &str, message: &str) -> bool {
    let known = tokens(message);
    let is_known = |stem: &str| stem == "echofs" || known.iter().any(|word| word.stem == stem);
    let named = tokens(said).into_iter().skip(1).filter(|word| word.number || word.capital && word.lower != "i");
    let sentences = said.matches(['.', '!', '?']).count();
    said.ends_with(['.', '!']) && sentences <= 2 && named.into_iter().all(|word| is_known(&word.stem) || word.is_stop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_told_from_what_is_stated() {
        for question in ["when does it leave", "Is it blue?", "¿cuándo?", "لماذا؟"] {
            assert!(asks(question), "{question}");
        }
        for other in ["", "The key is behind the oilskins.", "heat pump quote"] {
            assert!(!asks(other), "{other}");
        }
    }

    #[test]
    fn courtesy_and_news_are_talk() {
        for talk in
            ["thanks", "Thank you so much!", "ok, great", "hello", "I paid Tait this morning.", "We moved to Porto"]
        {
            assert!(is_talk(talk), "{talk}");
        }
        for question in [
            "",
            "thanks?",
            "heat pump quote",
            "When does it leave",
            "I need the address of Tait",
            "my notes on Oda",
            "is that right?",
            "good heat pumps",
            "and when do they come?",
        ] {
            assert!(!is_talk(question), "{question}");
        }
    }

    #[test]
    fn a_reply_that_claims_something_is_not_given() {
        let check = |said: &str, want| assert_eq!(claims_nothing(said, "I paid Tait."), want, "{said}");
        check("You're welcome!", true);
        check("Good that Tait is paid.", true);
        check("You paid 400 pounds.", false);
        check("You also owe Ferris.", false);
        check("Glad to help, and", false);
    }
}
