//! What each study shows, of which part of the paper, and what it works on.

use super::Study;

/// What a study works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Images with labels and a bundle ([`super::Labelled`]).
    Bundle,
    /// A folder that it reads itself, and what must lie there.
    Folder(&'static str),
}

impl Study {
    /// Its name, as `paser study` takes it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|s| s.0 == self).map_or("", |s| s.1)
    }

    /// What it shows, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Self::BatteryTable => "All methods on images of electrodes: IoU, cost, IoU/GigaFlop",
            Self::NoiseRobustness => "Salt and pepper on images that f0 and the policy never saw so",
            Self::NoisyMnist => "Three nets at home in one noise each, told apart by the policy",
            Self::LambdaCurve => "IoU over mean cost as λ changes, beside nets, chance and oracle",
            Self::McSamples => "Entropy with 5 and 20 passes, and with one without dropout",
            Self::Cityscapes => "A small U-Net, SegFormer-B0 and SegFormer-B5 on streets",
            Self::Beta => "f0 trained anew at several β: how much distillation is best",
            Self::Placement => "Edge, fog and cloud: costs in seconds and bytes, not FLOPs",
            Self::WhereItLooks => "Input, truth, labels, entropy and route of slices; doubt by net",
        }
    }

    /// Which tables, figures and sections of the paper it repeats.
    pub fn paper(self) -> &'static str {
        match self {
            Self::BatteryTable => "Tables 1, 2; Fig. 1",
            Self::NoiseRobustness => "Table 3; Figs. 10, 11; R3",
            Self::NoisyMnist => "Tables 1, 2; Figs. 3, 4, 8, 12",
            Self::LambdaCurve => "Fig. 5b",
            Self::McSamples => "Fig. 5a",
            Self::Cityscapes => "Section R2",
            Self::Beta => "Eq. 1, appendix",
            Self::Placement => "beyond the paper",
            Self::WhereItLooks => "Figs. 6, 7, 9",
        }
    }

    /// What it works on.
    pub fn needs(self) -> Needs {
        match self {
            Self::NoisyMnist => Needs::Folder("MNIST's four idx files, packed or not"),
            Self::Cityscapes => Needs::Folder("leftImg8bit and gtFine, as Cityscapes unpacks"),
            Self::BatteryTable
            | Self::NoiseRobustness
            | Self::Beta
            | Self::LambdaCurve
            | Self::McSamples
            | Self::Placement
            | Self::WhereItLooks => Needs::Bundle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_study_is_named_and_described() {
        for (study, name) in Study::ALL {
            assert_eq!(study.name(), name);
            let [about, paper] = [study.about(), study.paper()].map(|text| text.chars().count());
            assert!(
                (1..66).contains(&about) && (1..36).contains(&paper),
                "{name}: they stand on a line each"
            );
        }
    }
}
