//! Takes what is personal out of a text that goes to somebody else: the home folder, the names of user and machine.

use std::path::Path;

/// What must not be seen, and what stands in its place.
#[derive(Clone, Debug, Default)]
pub struct Impersonal {
    home: Option<String>,
    names: Vec<(String, &'static str)>,
}

impl Impersonal {
    /// Of this user on this machine.
    pub fn here() -> Self {
        let of = |names: &[&str]| names.iter().filter_map(|n| std::env::var(n).ok()).collect::<Vec<_>>();
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        Self::of(
            of(&["HOME", "USERPROFILE"]).first().cloned(),
            of(&["USER", "LOGNAME", "USERNAME", "SUDO_USER"]),
            of(&["HOSTNAME", "HOST", "COMPUTERNAME"]).into_iter().chain(machine).collect(),
        )
    }

    /// Of a home folder, names of the user and names of the machine. The home folder's own name is one of the user's.
    pub fn of(home: Option<String>, users: Vec<String>, machines: Vec<String>) -> Self {
        let home = home.map(|h| h.trim_end_matches(['/', '\\']).to_owned()).filter(|h| !h.is_empty());
        let folder = home.as_deref().and_then(|h| Path::new(h).file_name()?.to_str()).map(str::to_owned);
        let users = users.into_iter().chain(folder).map(|name| (name, "<user>"));
        let machines = machines.into_iter().map(|name| (name, "<machine>"));
        let all = users.chain(machines).map(|(name, to)| (name.trim().to_owned(), to));
        Self { home, names: all.filter(|(name, _)| !name.is_empty()).collect() }
    }

    /// `text` without any of it.
    pub fn text(&self, text: &str) -> String {
        let text = self.home.as_ref().map_or_else(|| text.to_owned(), |home| text.replace(home, "~"));
        self.names.iter().fold(text, |text, (name, to)| replace_word(&text, name, to))
    }
}

/// `text` with `to` for `word` where that stands alone: a user named "an" leaves "Vulkan" as it is.
fn replace_word(text: &str, word: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let inside = before.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if inside { word } else { to });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Impersonal {
        let text = |t: &str| t.to_owned();
        Impersonal::of(Some(text("/home/ada/")), vec![text("ada")], vec![text("beam-7\n")])
    }

    #[test]
    fn home_user_and_machine_are_gone() {
        let said = ada().text("/home/ada/models on beam-7, /data/ada/x.tif, owner ada");
        assert_eq!(said, "~/models on <machine>, /data/<user>/x.tif, owner <user>");
    }

    #[test]
    fn words_that_only_contain_a_name_stay() {
        assert_eq!(ada().text("NVIDIA Adapter, adapters, Canada"), "NVIDIA Adapter, adapters, Canada");
    }

    #[test]
    fn a_machine_without_home_keeps_its_text() {
        assert_eq!(Impersonal::of(None, Vec::new(), vec![String::new()]).text("all"), "all");
    }
}
