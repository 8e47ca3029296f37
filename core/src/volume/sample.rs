//! Stored numbers of every kind, as the formats beside TIFF and PNG use them.

use super::Dtype;
use super::ifd::Order;

/// Type of a stored number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl Sample {
    /// The type of `kind` ('i', 'u' or 'f') and size in bytes.
    pub(super) fn of(kind: char, bytes: usize) -> Option<Self> {
        Some(match (kind, bytes) {
            ('i', 1) => Self::I8,
            ('u', 1) => Self::U8,
            ('i', 2) => Self::I16,
            ('u', 2) => Self::U16,
            ('i', 4) => Self::I32,
            ('u', 4) => Self::U32,
            ('i', 8) => Self::I64,
            ('u', 8) => Self::U64,
            ('f', 4) => Self::F32,
            ('f', 8) => Self::F64,
            _ => return None,
        })
    }

    /// Its name, as in "u16".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The type named as in "u8", "uint16" or "float32".
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let digits = name.find(|c: char| c.is_ascii_digit())?;
        let (kind, bits) = name.split_at(digits);
        let bits: usize = bits.parse().ok()?;
        let kind = match kind {
            "u" | "uint" => 'u',
            "i" | "int" => 'i',
            "f" | "float" => 'f',
            _ => return None,
        };
        bits.is_multiple_of(8).then(|| Self::of(kind, bits / 8)).flatten()
    }

    /// Bytes of one number.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// What a volume of it is presented as: what does not fit 8 or 16 bits unsigned becomes f32.
    pub(super) fn dtype(self) -> Dtype {
        match self {
            Self::U8 => Dtype::U8,
            Self::U16 => Dtype::U16,
            _ => Dtype::F32,
        }
    }

    /// The numbers in `bytes`.
    pub(super) fn values(self, bytes: &[u8], order: Order) -> Vec<f32> {
        match self {
            Self::U8 => bytes.iter().map(|v| f32::from(*v)).collect(),
            Self::I8 => bytes.iter().map(|v| f32::from(*v as i8)).collect(),
            Self::U16 => numbers(bytes, order, |v| f32::from(u16::from_le_bytes(v))),
            Self::I16 => numbers(bytes, order, |v| f32::from(i16::from_le_bytes(v))),
            Self::U32 => numbers(bytes, order, |v| u32::from_le_bytes(v) as f32),
            Self::I32 => numbers(bytes, order, |v| i32::from_le_bytes(v) as f32),
            Self::U64 => numbers(bytes, order, |v| u64::from_le_bytes(v) as f32),
            Self::I64 => numbers(bytes, order, |v| i64::from_le_bytes(v) as f32),
            Self::F32 => numbers(bytes, order, f32::from_le_bytes),
            Self::F64 => numbers(bytes, order, |v| f64::from_le_bytes(v) as f32),
        }
    }
}

fn numbers<const N: usize>(bytes: &[u8], order: Order, number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let one = |chunk: &[u8]| {
        let mut word = [0; N];
        word.copy_from_slice(chunk);
        if order == Order::Big {
            word.reverse();
        }
        number(word)
    };
    bytes.chunks_exact(N).map(one).collect()
}
