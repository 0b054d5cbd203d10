//! Forms of English verbs, by their endings and a list of irregular ones.

/// Irregular verbs: base, past, participle.
const IRREGULAR: &[(&str, &str, &str)] = &[
    ("arise", "arose", "arisen"),
    ("awake", "awoke", "awoken"),
    ("bear", "bore", "born"),
    ("beat", "beat", "beaten"),
    ("become", "became", "become"),
    ("begin", "began", "begun"),
    ("bend", "bent", "bent"),
    ("bind", "bound", "bound"),
    ("bite", "bit", "bitten"),
    ("bleed", "bled", "bled"),
    ("blow", "blew", "blown"),
    ("break", "broke", "broken"),
    ("bring", "brought", "brought"),
    ("broadcast", "broadcast", "broadcast"),
    ("build", "built", "built"),
    ("burn", "burnt", "burnt"),
    ("buy", "bought", "bought"),
    ("catch", "caught", "caught"),
    ("choose", "chose", "chosen"),
    ("come", "came", "come"),
    ("cost", "cost", "cost"),
    ("creep", "crept", "crept"),
    ("cut", "cut", "cut"),
    ("deal", "dealt", "dealt"),
    ("dig", "dug", "dug"),
    ("draw", "drew", "drawn"),
    ("drink", "drank", "drunk"),
    ("drive", "drove", "driven"),
    ("dwell", "dwelt", "dwelt"),
    ("eat", "ate", "eaten"),
    ("fall", "fell", "fallen"),
    ("feed", "fed", "fed"),
    ("feel", "felt", "felt"),
    ("fight", "fought", "fought"),
    ("find", "found", "found"),
    ("flee", "fled", "fled"),
    ("fly", "flew", "flown"),
    ("forbid", "forbade", "forbidden"),
    ("foresee", "foresaw", "foreseen"),
    ("forget", "forgot", "forgotten"),
    ("forgive", "forgave", "forgiven"),
    ("forgo", "forwent", "forgone"),
    ("freeze", "froze", "frozen"),
    ("get", "got", "gotten"),
    ("give", "gave", "given"),
    ("go", "went", "gone"),
    ("grow", "grew", "grown"),
    ("hang", "hung", "hung"),
    ("have", "had", "had"),
    ("hear", "heard", "heard"),
    ("hide", "hid", "hidden"),
    ("hit", "hit", "hit"),
    ("hold", "held", "held"),
    ("hurt", "hurt", "hurt"),
    ("keep", "kept", "kept"),
    ("kneel", "knelt", "knelt"),
    ("know", "knew", "known"),
    ("lay", "laid", "laid"),
    ("lead", "led", "led"),
    ("leave", "left", "left"),
    ("lend", "lent", "lent"),
    ("let", "let", "let"),
    ("lie", "lay", "lain"),
    ("lose", "lost", "lost"),
    ("make", "made", "made"),
    ("mean", "meant", "meant"),
    ("meet", "met", "met"),
    ("mislead", "misled", "misled"),
    ("mistake", "mistook", "mistaken"),
    ("misunderstand", "misunderstood", "misunderstood"),
    ("outgrow", "outgrew", "outgrown"),
    ("overcome", "overcame", "overcome"),
    ("overhear", "overheard", "overheard"),
    ("oversee", "oversaw", "overseen"),
    ("overtake", "overtook", "overtaken"),
    ("overthrow", "overthrew", "overthrown"),
    ("partake", "partook", "partaken"),
    ("pay", "paid", "paid"),
    ("put", "put", "put"),
    ("quit", "quit", "quit"),
    ("read", "read", "read"),
    ("rebuild", "rebuilt", "rebuilt"),
    ("redo", "redid", "redone"),
    ("retake", "retook", "retaken"),
    ("rewrite", "rewrote", "rewritten"),
    ("ride", "rode", "ridden"),
    ("ring", "rang", "rung"),
    ("rise", "rose", "risen"),
    ("run", "ran", "run"),
    ("say", "said", "said"),
    ("see", "saw", "seen"),
    ("seek", "sought", "sought"),
    ("sell", "sold", "sold"),
    ("send", "sent", "sent"),
    ("set", "set", "set"),
    ("shake", "shook", "shaken"),
    ("shoot", "shot", "shot"),
    ("show", "showed", "shown"),
    ("shrink", "shrank", "shrunk"),
    ("shut", "shut", "shut"),
    ("sing", "sang", "sung"),
    ("sink", "sank", "sunk"),
    ("sit", "sat", "sat"),
    ("sleep", "slept", "slept"),
    ("speak", "spoke", "spoken"),
    ("spend", "spent", "spent"),
    ("split", "split", "split"),
    ("spread", "spread", "spread"),
    ("stand", "stood", "stood"),
    ("steal", "stole", "stolen"),
    ("stick", "stuck", "stuck"),
    ("strike", "struck", "struck"),
    ("swear", "swore", "sworn"),
    ("swim", "swam", "swum"),
    ("take", "took", "taken"),
    ("teach", "taught", "taught"),
    ("tear", "tore", "torn"),
    ("tell", "told", "told"),
    ("think", "thought", "thought"),
    ("throw", "threw", "thrown"),
    ("undergo", "underwent", "undergone"),
    ("understand", "understood", "understood"),
    ("undertake", "undertook", "undertaken"),
    ("undo", "undid", "undone"),
    ("uphold", "upheld", "upheld"),
    ("wake", "woke", "woken"),
    ("wear", "wore", "worn"),
    ("weep", "wept", "wept"),
    ("win", "won", "won"),
    ("withdraw", "withdrew", "withdrawn"),
    ("withhold", "withheld", "withheld"),
    ("withstand", "withstood", "withstood"),
    ("write", "wrote", "written"),
];

/// Verbs that are also common as nouns, and are met in both uses.
const COMMON: &[&str] = &[
    "work", "play", "use", "help", "support", "plan", "need", "want", "call", "move", "study", "record", "report",
    "visit", "start", "run", "change", "test", "check", "open", "close", "release", "place", "control", "order",
    "offer", "build", "produce", "design", "host", "join", "serve", "lead", "live", "head", "form", "found", "own",
    "name", "fix", "finish", "buy", "pay", "return", "search", "show", "try", "turn", "walk", "watch", "write", "look",
    "love", "hope", "address",
];

/// Words in `-ed` that are no verbs.
const NOT_PAST: &[&str] =
    &["red", "bed", "need", "seed", "speed", "feed", "shed", "united", "hundred", "wicked", "embed", "indeed"];

/// Whether a helping verb is one of a single thing or of several; `None` for all other words.
pub fn helps_one(word: &str) -> Option<bool> {
    match word {
        "is" | "was" | "has" | "does" => Some(true),
        "are" | "were" | "have" | "do" => Some(false),
        _ => None,
    }
}

/// A verb that looks like an adverb.
pub fn is_verb_in_ly(word: &str) -> bool {
    matches!(word, "apply" | "comply" | "imply" | "multiply" | "rely" | "reply" | "supply")
}

/// A past or a participle.
pub fn is_past(word: &str) -> bool {
    let regular = word.len() > 3 && word.ends_with("ed") && !NOT_PAST.contains(&word);
    regular || IRREGULAR.iter().any(|(_, past, participle)| word == *past || word == *participle)
}

/// A past or present participle.
pub fn is_participle(word: &str) -> bool {
    let regular = word.len() > 3 && word.ends_with("ed") && !NOT_PAST.contains(&word);
    regular || is_gerund(word) || IRREGULAR.iter().any(|(_, _, participle)| word == *participle)
}

/// A form in `-ing`.
pub fn is_gerund(word: &str) -> bool {
    word.len() > 4
        && word.ends_with("ing")
        && !matches!(
            word,
            "thing"
                | "king"
                | "string"
                | "spring"
                | "morning"
                | "evening"
                | "something"
                | "nothing"
                | "anything"
                | "everything"
                | "during"
                | "wing"
                | "sibling"
                | "ceiling"
                | "wedding"
        )
}

/// An irregular participle that is no past and no base form ("born", "written").
pub fn is_participle_only(word: &str) -> bool {
    IRREGULAR.iter().any(|(base, past, participle)| word == *participle && word != *past && word != *base)
}

/// A form that only a predicate has: an irregular past that is no participle, or a third person.
pub fn is_finite_only(word: &str) -> bool {
    IRREGULAR.iter().any(|(_, past, participle)| word == *past && past != participle) || is_third_person(word)
}

/// The third person of a verb that is known here.
pub fn is_third_person(word: &str) -> bool {
    let Some(stem) = word.strip_suffix('s') else { return false };
    let known = |stem: &str| IRREGULAR.iter().any(|(base, ..)| stem == *base) || COMMON.contains(&stem);
    known(stem) || stem.strip_suffix('e').is_some_and(known)
}

/// Whether it can stand behind `to` or a modal.
pub fn may_be_base(word: &str) -> bool {
    !is_gerund(word)
        && (!is_past(word) || IRREGULAR.iter().any(|(base, ..)| word == *base))
        && (!word.ends_with('s') || word.ends_with("ss"))
}

/// Whether it is some form of a verb that is met as a noun as well.
pub fn is_verb_form(word: &str) -> bool {
    is_past(word) || is_third_person(word) || is_common_verb(word)
}

/// Whether the base form is that of a common verb.
pub fn is_common_verb(word: &str) -> bool {
    COMMON.contains(&word) || IRREGULAR.iter().any(|(base, ..)| word == *base)
}

/// Whether a word that looks like a verb may as well be a noun.
pub fn may_be_noun(word: &str) -> bool {
    !is_past(word) || is_gerund(word)
}

/// The base form without an `e` at its end, as far as endings show it; for comparing, not for showing.
pub fn base(word: &str) -> String {
    let irregular = IRREGULAR.iter().find(|(base, past, participle)| [base, past, participle].contains(&&word));
    let cut = |end: &str| word.strip_suffix(end).filter(|stem| stem.len() > 2);
    let stem = irregular.map(|(base, ..)| (*base).to_owned());
    let stem = stem.or_else(|| cut("ies").or_else(|| cut("ied")).map(|stem| format!("{stem}y")));
    let stem = stem.or_else(|| cut("ing").or_else(|| cut("ed")).map(single));
    let stem = stem.or_else(|| cut("s").filter(|stem| !stem.ends_with('s')).map(str::to_owned));
    let stem = stem.unwrap_or_else(|| word.to_owned());
    stem.strip_suffix('e').filter(|stem| stem.len() > 2).map_or(stem.clone(), str::to_owned)
}

/// Takes back a consonant that was doubled before an ending.
fn single(stem: &str) -> String {
    let mut last = stem.chars().rev();
    match (last.next(), last.next()) {
        (Some(a), Some(b)) if a == b && stem.len() > 3 && !"aeioulsz".contains(a) => stem[..stem.len() - 1].to_owned(),
        _ => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_verb_have_one_base() {
        for forms in [
            &["work", "works", "worked", "working"][..],
            &["live", "lives", "lived", "living"],
            &["stop", "stops", "stopped", "stopping"],
            &["marry", "marries", "married"],
            &["write", "wrote", "written"],
        ] {
            let bases: Vec<String> = forms.iter().map(|form| base(form)).collect();
            assert!(bases.windows(2).all(|pair| pair[0] == pair[1]), "{bases:?}");
        }
    }

    #[test]
    fn forms_are_told_apart() {
        assert!(is_past("founded") && is_past("went") && !is_past("bed"));
        assert!(is_participle("written") && !is_participle("wrote") && is_finite_only("wrote"));
        assert!(is_participle_only("born") && !is_participle_only("led"));
        assert!(may_be_base("put") && !may_be_base("founded") && !may_be_base("runs"));
    }
}
