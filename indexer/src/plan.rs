//! From a query to what ranks: words, and a text or documents whose meaning is compared.

use std::path::{Path, PathBuf};

use echofs_query_lang::{Field, Node, Query, TextField};

use crate::Error;
use crate::bm25::Group;
use crate::groups;
use crate::lexical::Words;
use crate::ranking::Ranking;
use crate::stop_words::is_stop_word;

/// Words of one query that are looked up; a longer text ranks by its first ones.
const MAX_WORDS: usize = 64;

/// What ranks.
#[derive(Debug, Default)]
pub struct Plan {
    /// Words, each with its forms.
    pub groups: Vec<Group>,
    /// Text whose meaning is compared; empty when none is.
    pub meaning: String,
    /// Documents that others are to be like.
    pub like: Vec<PathBuf>,
}

impl Plan {
    /// What ranks in `query`.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn new(query: &Query, words: &Words, ranking: &Ranking) -> Result<Self, Error> {
        let mut plan = Plan { meaning: query.semantic_text().unwrap_or_default(), ..Plan::default() };
        if let Some(root) = &query.root {
            plan.collect(root, words)?;
        }
        plan.groups.truncate(MAX_WORDS);
        plan.weigh_stop_words(ranking);
        Ok(plan)
    }

    /// One bit for each group that says something; for all of them when none does.
    pub fn telling(&self) -> u64 {
        let telling = |group: &Group| !is_stop_word(&group.word);
        let any = self.groups.iter().any(telling);
        let bits = self.groups.iter().enumerate().filter(|(_, group)| !any || telling(group));
        bits.fold(0, |mask, (n, _)| mask | 1 << (n % 64))
    }

    /// Whether anything ranks.
    pub fn ranks(&self) -> bool {
        !self.groups.is_empty() || self.means()
    }

    /// Whether meaning ranks.
    pub fn means(&self) -> bool {
        !self.meaning.trim().is_empty() || !self.like.is_empty()
    }

    fn collect(&mut self, node: &Node, words: &Words) -> Result<(), Error> {
        match node {
            Node::Words(many) | Node::Phrase { words: many, .. } => self.add(many, words)?,
            Node::Word(word) => self.add(std::slice::from_ref(word), words)?,
            Node::Prefix(start) => self.push(groups::prefix_group(words, start)?),
            Node::Field(Field::Text { name: TextField::Title, value }) => self.add_title(value, words)?,
            Node::And(parts) | Node::Or(parts) => parts.iter().try_for_each(|part| self.collect(part, words))?,
            Node::Lex(inner) => self.collect(inner, words)?,
            Node::Like(path) => self.like.push(Path::new(path).to_owned()),
            Node::Field(_) | Node::Not(_) | Node::Sem(_) => {}
        }
        Ok(())
    }

    fn add(&mut self, typed: &[String], words: &Words) -> Result<(), Error> {
        for word in typed.iter().take(MAX_WORDS) {
            groups::ranking(words, word)?.into_iter().for_each(|group| self.push(Some(group)));
        }
        Ok(())
    }

    /// The last word of a title may be the beginning of one.
    fn add_title(&mut self, value: &str, words: &Words) -> Result<(), Error> {
        let Some(start) = value.strip_suffix('*') else { return self.add(&[value.to_owned()], words) };
        let (whole, start) = start.rsplit_once(' ').unwrap_or(("", start));
        self.add(&[whole.to_owned()], words)?;
        self.push(groups::prefix_group(words, start)?);
        Ok(())
    }

    /// A word counts once, however often and in whatever forms it is typed.
    fn push(&mut self, group: Option<Group>) {
        let stands_for = |group: &Group, word: &str| group.forms.iter().any(|(form, _)| form == word);
        let same =
            |old: &Group, new: &Group| stands_for(old, &new.word) && stands_for(new, &old.word) || old.word == new.word;
        self.groups.extend(group.filter(|new| !self.groups.iter().any(|old| same(old, new))));
    }

    /// Beside other words, those that say nothing count little.
    fn weigh_stop_words(&mut self, ranking: &Ranking) {
        if self.groups.iter().all(|group| is_stop_word(&group.word)) {
            return;
        }
        for group in self.groups.iter_mut().filter(|group| is_stop_word(&group.word)) {
            group.weight = ranking.stop_words;
        }
        self.groups.retain(|group| group.weight > 0.0);
    }
}
