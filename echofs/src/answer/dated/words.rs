//! Words that tell whether a fact answers a question that asks when.

/// Words that ask for one of several times, or for a stretch of time, or that point at something said before.
#[rustfmt::skip]
pub const UNCLEAR: [&str; 46] = [
    "first", "last", "next", "again", "usually", "normally", "often", "every", "each", "always", "ever", "other",
    "else", "before", "after", "until", "till", "since", "during", "while", "if", "most", "earliest", "latest",
    "previous", "previously", "original", "originally", "he", "she", "it", "they", "him", "her", "them", "his",
    "hers", "its", "their", "this", "that", "these", "those", "there", "and", "or",
];

/// Words with which a sentence says something as possible or wished, or a time as a bound.
#[rustfmt::skip]
pub const UNSURE: [&str; 31] = [
    "if", "whether", "would", "could", "might", "should", "maybe", "perhaps", "probably", "hope", "hopes", "plan",
    "plans", "planned", "want", "wants", "wanted", "suggested", "proposed", "think", "before", "after", "until",
    "since", "from", "between", "around", "about", "almost", "nearly", "again",
];

/// Words with which the owner speaks of the owner.
pub const SPEAKERS: [&str; 4] = ["i", "we", "me", "us"];

/// And of what is the owner's.
pub const OWN: [&str; 2] = ["my", "our"];

/// Words that say that nothing came of it, or not then.
pub const OFF: [&str; 6] = ["cancelled", "canceled", "cancel", "postponed", "rescheduled", "abandoned"];

/// Words that say so of what is to come.
pub const MOVED: [&str; 4] = ["moved", "shifted", "delayed", "brought"];

/// Words that say a time without naming a day.
#[rustfmt::skip]
pub const TIMES: [&str; 33] = [
    "today", "yesterday", "tomorrow", "morning", "noon", "afternoon", "evening", "night", "day", "days", "week",
    "weeks", "weekend", "month", "months", "year", "years", "decade", "century", "spring", "summer", "autumn",
    "winter", "ago", "recently", "once", "already", "earlier", "later", "soon", "long", "then", "when",
];

/// Words that say that something has to be done by a day.
#[rustfmt::skip]
pub const DUE: [&str; 9] = [
    "due", "deadline", "need", "needs", "needed", "supposed", "expected", "todo", "task",
];

/// Words that say that there is a time, and nothing of what happens.
#[rustfmt::skip]
pub const HAPPENS: [&str; 16] = [
    "date", "time", "day", "start", "starts", "take", "takes", "took", "place", "happen", "happens", "happened",
    "held", "hold", "scheduled", "set",
];

/// Headings of lists of what is to be done.
#[rustfmt::skip]
pub const LISTS: [&str; 14] = [
    "tasks", "task", "todo", "todos", "list", "open", "next", "steps", "actions", "action", "items", "inbox",
    "notes", "reminders",
];

/// Prepositions that turn what is said round.
#[rustfmt::skip]
pub const WAYS: [&str; 8] = [
    "to", "from", "into", "onto", "against", "without", "off", "out",
];

/// Where the rest of an object only says more of what was named.
#[rustfmt::skip]
pub const FURTHER: [&str; 12] = [
    "for", "in", "at", "on", "with", "by", "because", "as", "via", "under", "during", "when",
];
