//! Changes by chance: to bytes, to numbers in them, to the words and numbers of a text.

use super::repair::Repair;
use super::seeds::Seed;
use paser_core::hash::Stream;

/// Numbers at which arithmetic breaks.
const EDGES: [u64; 16] = [
    0,
    1,
    2,
    7,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x0010_0001,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    i64::MAX as u64,
    u64::MAX,
];
/// What a number of a text becomes.
const NUMBERS: [&str; 18] = [
    "0",
    "-1",
    "1",
    "2",
    "3",
    "1e309",
    "-0.0",
    "0.5",
    "1e-320",
    "65536",
    "1048577",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "99999999999999999999999",
    "NaN",
    "null",
];
/// What a word of a text becomes.
const WORDS: [&str; 16] = [
    "",
    "../../../../etc/passwd",
    "/etc/passwd",
    "/dev/zero",
    "..",
    ".",
    "a/../../b",
    "%s%d",
    "C:\\x",
    "true",
    "null",
    "\\u0000",
    "LOCAL",
    "raw",
    "gzip",
    "\u{fffd}\u{1f600}",
];

/// A seeded source of inputs.
pub struct Mutator(Stream);

impl Mutator {
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self(Stream::new(seed, purpose))
    }

    /// One of `seeds`, changed in one to six places.
    pub fn input(&mut self, seeds: &[Seed]) -> Seed {
        let mut input = seeds[self.0.below(seeds.len())].clone();
        let place = self.0.below(input.files.len());
        let other = &seeds[self.0.below(seeds.len())];
        let other = other.files[self.0.below(other.files.len())].1.clone();
        let (name, bytes) = &mut input.files[place];
        let (name, mut changed) = (name.clone(), std::mem::take(bytes));
        let unpacked = name.ends_with(".gz") && self.0.below(3) > 0;
        if unpacked {
            changed = Repair::gunzip(&changed);
        }
        // mostly few changes: what is changed much is refused at once
        let most = [1, 1, 2, 6][self.0.below(4)];
        for _ in 0..=self.0.below(most) {
            self.change(&mut changed, &other);
        }
        if unpacked {
            changed = Repair::gzip(&changed);
        }
        input.files[place].1 = changed;
        // now and then the checksums stay wrong
        if self.0.below(8) > 0 {
            input.repair();
        }
        input
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let head = &bytes[..bytes.len().min(512)];
        let text = head.iter().filter(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()).count() * 4
            > head.len() * 3;
        if text && self.0.below(3) > 0 {
            self.change_text(bytes);
        } else {
            self.change_bytes(bytes, other);
        }
    }

    /// Somewhere in `len`, more often near the beginning, where headers are.
    fn place(&mut self, len: usize) -> usize {
        let near = if self.0.below(2) == 0 { len.min(600) } else { len };
        self.0.below(near.max(1))
    }

    fn change_bytes(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.place(bytes.len());
        let long = self.0.below(40) + 1;
        let end = (at + long).min(bytes.len());
        match self.0.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.0.below(8),
            1 if at < bytes.len() => bytes[at] = EDGES[self.0.below(7)] as u8,
            2 | 3 => {
                let number = EDGES[self.0.below(EDGES.len())];
                let width = [2, 4, 8][self.0.below(3)];
                let all = if self.0.below(2) == 0 {
                    number.to_le_bytes()
                } else {
                    number.rotate_right(8 * width).to_be_bytes()
                };
                let fits = width as usize;
                if at + fits <= bytes.len() {
                    bytes[at..at + fits].copy_from_slice(&all[..fits]);
                }
            }
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at.min(end)..end)),
            6 => {
                let copy = bytes[at.min(end)..end].to_vec();
                bytes.splice(at.min(end)..at.min(end), copy);
            }
            7 => {
                let from = self.place(other.len());
                let part = &other[from.min(other.len())..(from + long).min(other.len())];
                bytes.splice(at.min(end)..end, part.iter().copied());
            }
            _ => bytes.extend((0..long).map(|i| (i * 37) as u8)),
        }
    }

    /// Changes a word or number of a text, takes one away or repeats a part.
    fn change_text(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes.len());
        let part = |b: &u8| b.is_ascii_alphanumeric() || b"-._+/".contains(b);
        let Some(first) = bytes[at.min(bytes.len())..].iter().position(part).map(|i| at + i) else { return };
        let first = first - bytes[..first].iter().rev().take_while(|b| part(b)).count();
        let end = first + bytes[first..].iter().take_while(|b| part(b)).count();
        let numeric = bytes[first..end].iter().all(|b| b.is_ascii_digit() || b"-.e+".contains(b));
        let new: Vec<u8> = match self.0.below(8) {
            0 => Vec::new(),
            1 => bytes[first..end].repeat(2),
            2 => [b"[".repeat(1 + self.0.below(3000)).as_slice(), &bytes[first..end]].concat(),
            3 => format!("{}", self.0.below(300)).into_bytes(),
            _ if numeric => NUMBERS[self.0.below(NUMBERS.len())].into(),
            _ => WORDS[self.0.below(WORDS.len())].into(),
        };
        bytes.splice(first..end, new);
    }
}
