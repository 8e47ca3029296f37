//! The nets of the paper's comparison by the names that the command line knows.

use super::{DeeplabSpec, EfficientvitSpec, MatphaseSpec, NetSpec, SegformerSpec, UnetSpec};

/// Names of the comparison's nets, in the order of the paper's table.
pub const NAMES: [&str; 6] =
    ["deeplabv3plus", "segformer", "segformer-b0", "efficientvit", "efficientvit-b0", "matphase"];

/// The net of a name for images of `channels` channels and `classes` classes, in the size of the paper's
/// cost; none for an unknown name.
pub fn named(name: &str, channels: usize, classes: usize) -> Option<NetSpec> {
    Some(match name {
        "deeplabv3plus" => NetSpec::Deeplabv3plus(DeeplabSpec::r50_d8(channels, classes)),
        "segformer" => NetSpec::Segformer(SegformerSpec::b5_256(channels, classes)),
        "segformer-b0" => NetSpec::Segformer(SegformerSpec::b0(channels, classes)),
        "efficientvit" => NetSpec::Efficientvit(EfficientvitSpec::l2(channels, classes)),
        "efficientvit-b0" => NetSpec::Efficientvit(EfficientvitSpec::b0(channels, classes)),
        "matphase" => NetSpec::Matphase(MatphaseSpec::paper(channels, classes)),
        _ => return None,
    })
}

/// The same with `width` times the channels of every layer, for a net that has such a choice.
///
/// # Errors
/// A sentence where the name is unknown, the net has no width, or nothing is left of it.
pub fn narrowed(name: &str, channels: usize, classes: usize, width: f64) -> Result<NetSpec, String> {
    let whole = named(name, channels, classes)
        .ok_or_else(|| format!("\"{name}\" is no net of the comparison; use one of {}", NAMES.join(", ")))?;
    if !(width > 0.0 && width <= 1.0) {
        return Err(format!("a width of {width} is impossible; give one above 0 and at most 1"));
    }
    let part = |n: usize, step: usize| ((n as f64 * width / step as f64).round() as usize).max(1) * step;
    match whole {
        whole if width == 1.0 => Ok(whole),
        NetSpec::Deeplabv3plus(spec) => {
            Ok(NetSpec::Deeplabv3plus(DeeplabSpec { width: part(spec.width, 4), ..spec }))
        }
        NetSpec::Matphase(spec) => {
            let levels = spec.net.levels.iter().map(|n| part(*n, 2)).collect();
            let net = UnetSpec { stem: part(spec.net.stem, 2), levels, ..spec.net };
            Ok(NetSpec::Matphase(MatphaseSpec { net, ..spec }))
        }
        _ => Err(format!("{name} has no width to reduce; take a -b0 net, which is smaller")),
    }
}

impl NetSpec {
    /// Whether both are nets of one kind and size, whatever they read, tell apart and decode with.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Segformer(a), Self::Segformer(b)) => (a.widths, a.depths) == (b.widths, b.depths),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// What a table must say beside the net's name: whether it is smaller than the paper's net of its kind,
    /// and whether it is a reconstruction.
    pub fn remark(&self) -> Option<&'static str> {
        let (channels, classes) = (self.channels(), self.classes());
        let paper = |name| named(name, channels, classes);
        let reduced = match self {
            Self::Unet(_) => false,
            Self::Segformer(spec) => {
                let b5 = SegformerSpec::b5_256(channels, classes);
                (spec.widths, spec.depths) != (b5.widths, b5.depths)
            }
            Self::Deeplabv3plus(_) => paper("deeplabv3plus").as_ref() != Some(self),
            Self::Efficientvit(_) => paper("efficientvit").as_ref() != Some(self),
            Self::Matphase(_) => paper("matphase").as_ref() != Some(self),
        };
        match (matches!(self, Self::Matphase(_)), reduced) {
            (true, true) => Some("reconstruction, reduced"),
            (true, false) => Some("reconstruction"),
            (false, true) => Some("reduced"),
            (false, false) => None,
        }
    }
}
