//! The class table: names in the program's order, the value of each in label files, colours.

use crate::error::{Error, Result};
use crate::metrics::UNLABELLED;
use serde::{Deserialize, Serialize};

/// Okabe and Ito's colours, legible to colour-blind people.
const COLOURS: [[u8; 3]; 8] = [
    [0, 114, 178],
    [0, 158, 115],
    [230, 159, 0],
    [213, 94, 0],
    [204, 121, 167],
    [86, 180, 233],
    [240, 228, 66],
    [120, 120, 120],
];

/// One class as a bundle states it. In exported label files it has the value of its place + 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Name, as in "pore".
    pub name: String,
    /// Red, green, blue.
    pub colour: [u8; 3],
}

/// Classes with the colours of their places.
pub fn classes<S: AsRef<str>>(names: &[S]) -> Vec<Class> {
    let class =
        |(i, name): (usize, &S)| Class { name: name.as_ref().to_owned(), colour: COLOURS[i % COLOURS.len()] };
    names.iter().enumerate().map(class).collect()
}

/// Which value of a label file means which class (`--classes pore=2,carbon=1,nickel=0`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassMap {
    /// Names in the program's order.
    pub names: Vec<String>,
    /// Value of each in the label files; a colour as 0xRRGGBB.
    pub values: Vec<u32>,
}

/// A truth map and the pixels that no named value covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Class of every pixel, [`UNLABELLED`] where none.
    pub classes: Vec<u8>,
    /// Number of pixels without a class.
    pub ignored: usize,
}

impl std::str::FromStr for ClassMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |part: &str| {
            Error::invalid(format!(
                "\"{part}\" is no class; write name=value pairs as in pore=2,carbon=1,nickel=0 or pore=#0000ff"
            ))
        };
        let mut map = Self { names: Vec::new(), values: Vec::new() };
        for part in text.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(|| wrong(part))?;
            let (name, value) = (name.trim(), value.trim());
            let value = match value.strip_prefix('#') {
                Some(hex) if hex.len() == 6 => u32::from_str_radix(hex, 16),
                Some(_) => return Err(wrong(part)),
                None => value.parse(),
            };
            let value = value.map_err(|_| wrong(part))?;
            if name.is_empty() || map.names.iter().any(|n| n == name) || map.values.contains(&value) {
                return Err(Error::invalid(format!(
                    "\"{part}\" repeats a class name or value, or names nothing"
                )));
            }
            map.names.push(name.to_owned());
            map.values.push(value);
        }
        match map.names.len() {
            2..=100 => Ok(map),
            n => Err(Error::invalid(format!("{n} classes given; at least 2 and at most 100 are needed"))),
        }
    }
}

impl ClassMap {
    /// The values that this program's own label files have: 1 for the first class, 2 for the second, ...
    pub fn in_order(names: Vec<String>) -> Self {
        Self { values: (1..=names.len() as u32).collect(), names }
    }

    /// Classes of label codes.
    pub fn truth(&self, codes: &[u32]) -> Truth {
        let class = |code: &u32| self.values.iter().position(|v| v == code).map_or(UNLABELLED, |c| c as u8);
        let classes: Vec<u8> = codes.iter().map(class).collect();
        let ignored = classes.iter().filter(|c| **c == UNLABELLED).count();
        Truth { classes, ignored }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_colours_are_read() {
        let map: ClassMap = "pore=2, carbon=#0000ff,nickel=0".parse().expect("a class map");
        assert_eq!(map.names, ["pore", "carbon", "nickel"]);
        assert_eq!(map.values, [2, 255, 0]);
        let truth = map.truth(&[0, 2, 255, 7]);
        assert_eq!((truth.classes, truth.ignored), (vec![2, 0, 1, UNLABELLED], 1));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "pore", "pore=x,carbon=1", "a=1,a=2", "a=1,b=1", "a=#12,b=2", "a=1"] {
            assert!(text.parse::<ClassMap>().is_err(), "{text}");
        }
    }
}
