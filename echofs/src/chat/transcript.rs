//! A chat as it is read: every message and the reply to it, in the order of the messages.

use std::time::SystemTime;

use echofs_indexer::conversations::{OWN, Role, Turn, exchanges, render};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ENDED;

/// What the owner said at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When it was begun; tells it from all others of its chat.
    pub at: Timestamp,
    /// All of it.
    pub text: String,
}

/// What is kept of a chat, read.
#[derive(Debug)]
pub struct Transcript {
    /// What can be read of it: up to the first message that has no reply. What is added goes to the end.
    pub text: String,
    /// The messages that have a reply, each with it, oldest first.
    pub replied: Vec<(Message, String)>,
    /// Those that have none yet, oldest first.
    pub waiting: Vec<Message>,
    /// Whether its owner has ended it.
    pub ended: bool,
    /// When something was added to it.
    pub modified: SystemTime,
}

impl Transcript {
    /// The transcript of these turns.
    pub fn new(turns: &[Turn], modified: SystemTime) -> Transcript {
        let zone = TimeZone::system();
        let (mut blocks, mut replied, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for exchange in exchanges(turns) {
            let whole = whole(&exchange.asked);
            if waiting.is_empty() {
                blocks.push(render::block(&whole, &zone));
            }
            let message = Message::from(whole);
            match exchange.reply {
                Some(reply) => {
                    blocks.push(render::block(reply, &zone));
                    replied.push((message, reply.content.clone()));
                }
                None => waiting.push(message),
            }
        }
        let ended = is_ended(turns);
        Transcript { text: blocks.join("\n"), replied, waiting, ended, modified }
    }

    /// The message that is to be replied to next.
    pub fn next(&self) -> Option<&Message> {
        self.waiting.first().filter(|_| !self.ended)
    }
}

impl From<Turn> for Message {
    fn from(whole: Turn) -> Message {
        Message { at: whole.at, text: whole.content }
    }
}

/// Whether this message is the one to be replied to next in a chat of these turns.
pub fn waits(turns: &[Turn], message: &Message) -> bool {
    let next = exchanges(turns).into_iter().find(|exchange| exchange.reply.is_none());
    !is_ended(turns) && next.is_some_and(|exchange| Message::from(whole(&exchange.asked)) == *message)
}

fn is_ended(turns: &[Turn]) -> bool {
    turns.iter().any(|turn| turn.role == Role::System && turn.content == ENDED)
}

/// All turns of a message as one.
fn whole(turns: &[&Turn]) -> Turn {
    let content = turns.iter().map(|turn| turn.content.as_str()).collect::<Vec<_>>().join("\n");
    Turn { content, ..turns[0].clone() }
}

/// The turn of a reply that was begun at this time.
pub fn reply(session: &str, begun: Timestamp, markdown: &str) -> Turn {
    Turn {
        role: Role::Assistant,
        content: markdown.trim().to_owned(),
        at: begun,
        session: session.to_owned(),
        speaker: Some(OWN.to_owned()),
        title: None,
    }
}

/// What a transcript goes on with while a reply is made: always the beginning of what it goes on with in the end.
pub fn growing(begun: Timestamp, markdown: &str) -> String {
    let turn = reply("", begun, markdown);
    let block = render::block(&turn, &TimeZone::system());
    let end = if turn.content.is_empty() { block.len() } else { block.len() - 1 };
    format!("\n{}", &block[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(content: &str, second: i64) -> Turn {
        let at = Timestamp::from_second(1_773_482_400 + second).expect("a time");
        Turn { role: Role::User, content: content.into(), at, session: "chat/a".into(), speaker: None, title: None }
    }

    fn read(turns: &[Turn]) -> Transcript {
        Transcript::new(turns, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_transcript_only_grows_while_a_reply_is_made() {
        let (first, second) = (turn("When does it leave?", 0), turn("And from where?", 60));
        let mut last = String::new();
        let mut grows = |now: String| {
            assert!(now.starts_with(&last), "{last:?} does not begin {now:?}");
            last = now;
        };
        let begun = turn("", 30).at;
        let kept = read(std::slice::from_ref(&first)).text;
        grows(kept.clone());
        let answer = "> At 7:45\n\n[1] /n/ferry.md:3\n\nAt 7:45 [1].\n\nSources:\n\n[1] /n/ferry.md:3\n";
        for end in 0..=answer.len() {
            grows(kept.clone() + &growing(begun, &answer[..end]));
        }
        let said = reply("chat/a", begun, answer);
        grows(read(&[first.clone(), second.clone(), said.clone()]).text);
        let all = read(&[first, second, said, reply("chat/a", turn("", 90).at, "From pier 3.")]);
        grows(all.text.clone());
        let heads: Vec<&str> = all.text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(
            heads.iter().map(|line| &line[..7]).collect::<Vec<_>>(),
            ["## user", "## Echo", "## user", "## Echo"]
        );
    }

    #[test]
    fn a_message_of_several_lines_is_one() {
        let transcript = read(&[turn("One.", 0), turn("Two.", 0), turn("Three.", 1)]);
        let texts: Vec<&str> = transcript.waiting.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(texts, ["One.\nTwo.", "Three."]);
        assert!(transcript.text.ends_with("One.\nTwo.\n"), "what waits behind another is not shown: {transcript:?}");
    }

    #[test]
    fn an_ended_chat_waits_for_nothing() {
        let end = Turn { role: Role::System, ..turn(ENDED, 1) };
        let message = Message::from(turn("One.", 0));
        assert!(waits(&[turn("One.", 0)], &message));
        assert!(!waits(&[turn("One.", 0), turn("More.", 0)], &message), "it has become longer");
        let transcript = read(&[turn("One.", 0), end.clone()]);
        assert!(transcript.ended && transcript.next().is_none());
        assert!(!waits(&[turn("One.", 0), end], &message) && !waits(&[], &message));
    }
}
