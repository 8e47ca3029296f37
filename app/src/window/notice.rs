//! What went wrong or well, in one sentence each, shown once.

use std::time::Instant;

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something went well; it leaves by itself.
    Done,
    /// Something is not as one would expect.
    Warning,
    /// Something failed.
    Error,
}

/// One sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Tells notices apart.
    pub id: u64,
    /// How much it matters.
    pub weight: Weight,
    /// The sentence.
    pub text: String,
    /// A path to copy, where one belongs to it.
    pub path: Option<String>,
    /// When it appeared.
    pub since: Instant,
}

/// The notices on show, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    shown: Vec<Notice>,
    next: u64,
}

/// More than these at once would hide the slice.
const MOST: usize = 4;

impl Notice {
    /// What happened, and what to do about it.
    pub fn parts(&self) -> (String, Option<String>) {
        parts(&self.text)
    }
}

/// What a sentence says has happened, and what to do about it.
pub fn parts(text: &str) -> (String, Option<String>) {
    match text.split_once("; ") {
        Some((cause, remedy)) => (sentence(cause), Some(sentence(remedy))),
        None => (sentence(text), None),
    }
}

impl Notices {
    /// Shows a sentence, unless it stands there already.
    pub fn say(&mut self, weight: Weight, text: impl Into<String>, path: Option<String>) {
        let text = sentence(&text.into());
        if self.shown.iter().any(|n| n.text == text) {
            return;
        }
        self.next += 1;
        self.shown.push(Notice { id: self.next, weight, text, path, since: Instant::now() });
        let notes = |n: &Notice| n.weight != Weight::Error;
        if self.shown.iter().filter(|n| notes(n)).count() > MOST
            && let Some(oldest) = self.shown.iter().position(notes)
        {
            self.shown.remove(oldest);
        }
    }

    /// Shows an error.
    pub fn error(&mut self, text: impl Into<String>) {
        self.say(Weight::Error, text, None);
    }

    /// Shows a warning.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.say(Weight::Warning, text, None);
    }

    /// Takes a notice away.
    pub fn dismiss(&mut self, id: u64) {
        self.shown.retain(|n| n.id != id);
    }

    /// Takes the newest away, and says whether there was one.
    pub fn dismiss_last(&mut self) -> bool {
        self.shown.pop().is_some()
    }

    /// Takes away what has been there long enough to be read; errors stay until dismissed.
    pub fn expire(&mut self, now: Instant) {
        let time = |n: &Notice| match n.weight {
            Weight::Done => Some(12),
            Weight::Warning => Some(20),
            Weight::Error => None,
        };
        self.shown.retain(|n| time(n).is_none_or(|s| now.duration_since(n.since).as_secs() < s));
    }

    /// All on show.
    pub fn shown(&self) -> &[Notice] {
        &self.shown
    }

    /// Those that are said in passing.
    pub fn toasts(&self) -> Vec<Notice> {
        self.shown.iter().filter(|n| n.weight != Weight::Error).cloned().collect()
    }

    /// Those that need an answer, the oldest first.
    pub fn failures(&self) -> Vec<Notice> {
        self.shown.iter().filter(|n| n.weight == Weight::Error).cloned().collect()
    }

    /// Takes the oldest failure away, and says whether there was one.
    pub fn dismiss_failure(&mut self) -> bool {
        let oldest = self.shown.iter().position(|n| n.weight == Weight::Error);
        oldest.map(|i| self.shown.remove(i)).is_some()
    }
}

/// One line that ends with a full stop and starts with a capital, unless a name stands first.
pub(super) fn sentence(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = words.join(" ");
    if words.first().is_some_and(|w| w.chars().all(|c| c.is_ascii_lowercase()))
        && let Some(first) = line.get_mut(..1)
    {
        first.make_ascii_uppercase();
    }
    if !line.ends_with(['.', '!', '?']) {
        line.push('.');
    }
    line
}
