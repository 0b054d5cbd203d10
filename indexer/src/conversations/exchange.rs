//! Who replied to what, in a conversation with this program.

use super::turn::{Role, Turn};

/// A message and the reply to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// The turns that are the message, one or more.
    pub asked: Vec<&'a Turn>,
    /// The reply, once there is one.
    pub reply: Option<&'a Turn>,
}

/// The messages of a conversation, in order. A reply is to the first message that has none yet, whatever was said in
/// between; turns of the owner with the same time are one message until it is replied to.
pub fn exchanges(turns: &[Turn]) -> Vec<Exchange<'_>> {
    let mut all: Vec<Exchange> = Vec::new();
    let mut replied = 0;
    for turn in turns {
        match turn.role {
            Role::User => match all[replied..].iter_mut().find(|exchange| exchange.asked[0].at == turn.at) {
                Some(begun) => begun.asked.push(turn),
                None => all.push(Exchange { asked: vec![turn], reply: None }),
            },
            Role::Assistant if replied < all.len() => {
                all[replied].reply = Some(turn);
                replied += 1;
            }
            Role::Assistant | Role::System => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: Role, content: &str, second: i64) -> Turn {
        let at = jiff::Timestamp::from_second(second).unwrap();
        Turn { role, content: content.into(), at, session: "s".into(), speaker: None, title: None }
    }

    #[test]
    fn replies_belong_to_messages_in_their_order() {
        let (user, reply) = (|text, at| turn(Role::User, text, at), |text, at| turn(Role::Assistant, text, at));
        let turns = [
            user("a", 1),
            user("b", 2),
            user("a, too", 1),
            reply("to a", 3),
            user("c", 2),
            reply("to b, c", 5),
            user("d", 1),
        ];
        let of = |exchange: &Exchange| {
            let asked: Vec<&str> = exchange.asked.iter().map(|turn| turn.content.as_str()).collect();
            (asked.join("+"), exchange.reply.map(|turn| turn.content.clone()))
        };
        let told: Vec<(String, Option<String>)> = exchanges(&turns).iter().map(of).collect();
        let want = [("a+a, too", Some("to a")), ("b+c", Some("to b, c")), ("d", None)];
        assert_eq!(told, want.map(|(asked, reply)| (asked.to_owned(), reply.map(str::to_owned))));
    }
}
