//! The nets of the paper's comparison by the names that the command line knows.

use super::{DeeplabSpec, EfficientvitSpec, MatphaseSpec, NetSpec, SegformerSpec};

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
