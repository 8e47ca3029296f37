//! What a file leaves open, as the user decides it: which of its volumes, or what a file without a header holds.

use paser_core::volume::{Offer, Opening, Part, RawSpec, View, guesses};
use std::path::PathBuf;

/// Types of voxels of raw files, and how people call them.
pub const TYPES: [(&str, &str); 7] = [
    ("u8", "8-bit"),
    ("u16", "16-bit"),
    ("f32", "32-bit float"),
    ("i16", "16-bit signed"),
    ("u32", "32-bit"),
    ("i32", "32-bit signed"),
    ("f64", "64-bit float"),
];

/// A decision, unfinished.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The file.
    pub path: PathBuf,
    /// What there is to choose.
    pub offer: Offer,
    /// How it is seen afterwards.
    pub view: View,
    /// Why it could not be opened just so.
    pub why: Option<String>,
    /// The volume chosen.
    pub volume: usize,
    /// Its channel and time.
    pub part: Part,
    /// What a raw file holds.
    pub raw: RawForm,
}

/// The description of a raw file as typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawForm {
    /// Slices, rows, columns.
    pub size: [String; 3],
    /// Place of its type among [`TYPES`].
    pub dtype: usize,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// Bytes before the first voxel.
    pub header: String,
}

impl RawForm {
    /// As `spec` says.
    pub fn of(spec: &RawSpec) -> Self {
        Self {
            size: spec.shape.map(|n| n.to_string()),
            dtype: TYPES.iter().position(|(name, _)| *name == spec.dtype).unwrap_or_default(),
            big_endian: spec.big_endian,
            header: spec.header.to_string(),
        }
    }

    /// What it says.
    ///
    /// # Errors
    /// A sentence where something typed is no number.
    pub fn spec(&self) -> Result<RawSpec, String> {
        let number = |text: &str| text.trim().replace([' ', '\u{202f}'], "").parse::<u64>().ok();
        let edge = |i: usize| {
            let wrong = "slices, rows and columns are whole numbers above 0".to_owned();
            number(&self.size[i]).filter(|n| *n > 0).ok_or(wrong)
        };
        let header = if self.header.trim().is_empty() { Some(0) } else { number(&self.header) };
        Ok(RawSpec {
            shape: [edge(0)?, edge(1)?, edge(2)?],
            dtype: TYPES[self.dtype.min(TYPES.len() - 1)].0.to_owned(),
            big_endian: self.big_endian,
            header: header.ok_or("the header is a number of bytes, 0 for none")?,
            voxel_size: None,
            unit: None,
        })
    }
}

impl Question {
    /// Of the file at `path`, which was to be opened as `how` says.
    pub fn of(path: PathBuf, offer: Offer, how: &Opening, why: Option<String>) -> Self {
        let volume = match &offer {
            Offer::Volumes(all) => all.iter().position(|(d, _)| {
                Some(d.name.as_str()) == how.dataset.as_deref().map(|n| n.trim_matches('/'))
            }),
            Offer::Raw(_) => None,
        };
        let guess = match offer {
            Offer::Raw(bytes) => guesses(&path, bytes).first().cloned(),
            Offer::Volumes(_) => None,
        };
        let raw = how.raw.clone().or(guess).as_ref().map(RawForm::of).unwrap_or_default();
        let part = how.part.unwrap_or(Part { channel: 1, time: 1 });
        Self { path, offer, view: how.view.clone(), why, volume: volume.unwrap_or_default(), part, raw }
    }

    /// Whether the file can be understood in more than one way.
    pub fn open(offer: &Offer) -> bool {
        match offer {
            Offer::Volumes(all) => all.len() > 1 || all.iter().any(|(_, p)| p.channels > 1 || p.times > 1),
            Offer::Raw(_) => true,
        }
    }

    /// What is decided.
    ///
    /// # Errors
    /// A sentence where something typed is none of what it should be, or does not fit the file.
    pub fn opening(&self) -> Result<Opening, String> {
        let view = self.view.clone();
        match &self.offer {
            Offer::Volumes(all) => {
                let (volume, parts) = all.get(self.volume).ok_or("choose one of the volumes")?;
                let several = parts.channels > 1 || parts.times > 1;
                let dataset = (!volume.name.is_empty()).then(|| volume.name.clone());
                Ok(Opening { raw: None, dataset, part: several.then_some(self.part), view })
            }
            Offer::Raw(bytes) => {
                let spec = self.raw.spec()?;
                if described(&spec) != Some(*bytes) {
                    return Err("size, type and header do not make the file's length".to_owned());
                }
                Ok(Opening { raw: Some(spec), dataset: None, part: None, view })
            }
        }
    }
}

/// Bytes that a file has of which `spec` is true.
pub fn described(spec: &RawSpec) -> Option<u64> {
    let bytes = match spec.dtype.as_str() {
        "u8" => 1,
        "u16" | "i16" => 2,
        "f64" => 8,
        _ => 4,
    };
    let voxels = spec.shape.iter().try_fold(1_u64, |product, n| product.checked_mul(*n))?;
    voxels.checked_mul(bytes)?.checked_add(spec.header)
}
