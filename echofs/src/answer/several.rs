//! A question that asks several things, as questions that can be asked one after the other.

use super::follow_up::{QUESTION_WORDS, standalone};
use super::question::Question;
use super::text::{Token, tokens};

/// Things that one question may ask.
const MOST: usize = 3;

/// "When was the pump put in, and what did it cost?" as two questions, each of which can be understood alone; one that asks
/// one thing as it is.
pub fn parts(text: &str) -> Vec<String> {
    let words = tokens(text);
    let is_asking = |word: &Token| QUESTION_WORDS.contains(&word.lower.as_str());
    let mut starts = vec![0];
    for n in 2..words.len() {
        // "People who lived here and who died there" is one thing.
        let again = words[1..n].iter().any(|word| word.lower == words[n].lower);
        if is_asking(&words[n]) && words[n - 1].lower == "and" && !again {
            starts.push(n);
        }
    }
    let piece = |at: usize| {
        let end = starts.get(at + 1).map_or(text.len(), |next| words[next - 1].at.start);
        text[words.get(starts[at]).map_or(0, |word| word.at.start)..end].trim_end_matches([' ', ',', ';']).to_owned()
    };
    let pieces: Vec<String> = (0..starts.len()).map(piece).collect();
    let says = |piece: &String| tokens(piece).iter().any(|word| !word.is_stop() && !is_asking(word));
    if pieces.len() < 2 || pieces.len() > MOST || !pieces.iter().all(says) || !words.first().is_some_and(is_asking) {
        return vec![text.to_owned()];
    }
    let alone =
        |n: usize| standalone(&pieces[n], &pieces[..n].iter().map(|p| (p.as_str(), String::new())).collect::<Vec<_>>());
    let alone: Vec<String> = (0..pieces.len()).map(alone).collect();
    // What is left says too little to be looked for.
    if alone.iter().any(|part| Question::new(part).terms.is_empty()) { vec![text.to_owned()] } else { alone }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_question_of_several_things_is_several() {
        assert_eq!(parts("Who plays the drums, and when is the fair?"), ["Who plays the drums", "when is the fair?"]);
        let pump = parts("When was the heat pump put in and what did it cost?");
        assert!(pump.len() == 2 && pump[1].contains("cost") && pump[1].contains("pump"), "{pump:?}");
    }

    #[test]
    fn others_are_one() {
        for one in [
            "Who plays the drums?",
            "How and why did it begin?",
            "Which people who lived here and who died there were painters?",
            "the oven and what it costs",
            "What is the mill and the bakery called?",
            "Where and when?",
            "",
        ] {
            assert_eq!(parts(one), [one]);
        }
    }
}
