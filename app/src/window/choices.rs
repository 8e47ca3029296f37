//! Every choice of a training as the form shows it.

/// One choice of a training as the form shows it.
pub struct Choice {
    /// Its name in the file.
    pub name: &'static str,
    /// The paper's symbol, where it has one.
    pub symbol: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

const fn c(name: &'static str, symbol: &'static str, about: &'static str) -> Choice {
    Choice { name, symbol, about }
}

/// Every choice of a training by groups; what is itself a group in the file is edited as it stands there.
pub const CHOICES: &[(&str, &[Choice])] = &[
    (
        "Data",
        &[
            c("seed", "", "Decides everything that chance decides; the same seed gives the same bundle"),
            c(
                "split",
                "",
                "Images for training, validation and test: {\"counts\":[10,1,3]} or {\"parts\":[0.7,0.15,0.15]}",
            ),
            c(
                "axes",
                "",
                "The axes of two stacks that become Z, Y, X before slices are taken: [1,0,2] swaps Z and Y; null: as they are",
            ),
            c("thirds", "", "Divide the training images in thirds for the three stages (Appendix B)"),
            c(
                "normalisation",
                "",
                "How grey values become 0 to 1: percentiles of the volume, or a fixed value",
            ),
            c(
                "class_weights",
                "w",
                "Weights of the classes in the cross entropy: \"none\", \"inverse-frequency\" or {\"given\":[...]}",
            ),
            c(
                "augment",
                "",
                "What is done to the pieces that the nets learn from: random places, flips, turns, grey jitter",
            ),
        ],
    ),
    (
        "Pretraining of f1 to fm",
        &[
            c("pretrain", "θ1 … θm", "Length, batch, learning rate and schedule of each, f1 first"),
            c("dropout", "", "Train f1 to fm with their dropout on (f0 always is)"),
        ],
    ),
    (
        "Distillation of f0",
        &[
            c("distil", "θ0", "Length, batch, learning rate and schedule of f0's training on whole tiles"),
            c("beta", "β", "Weight of learning from the largest net beside the truth (Eq. 1)"),
            c(
                "kd_printed",
                "",
                "Total loss as printed, CE + β KD; else (1 − β) CE + β KD as in the authors' code",
            ),
            c("taught", "", "Tiles of a batch that the largest net answers too; null: all"),
            c("passes", "K", "Monte Carlo passes of f0 that make its entropy"),
            c(
                "f0_label",
                "",
                "What f0 answers where a patch stays with it: \"mean\" of the passes, or \"first-pass\"",
            ),
        ],
    ),
    (
        "Policy",
        &[
            c("policy", "θRL", "Length, batch, learning rate and schedule of the policy's training"),
            c("lambdas", "λ", "Weights of the cost that policies are trained at (Eq. 2)"),
            c("lambda", "λ", "The λ used where none is asked for; null: chosen on the validation curve"),
            c("least_share", "", "Least share of patches for every net at a λ chosen on the curve"),
            c(
                "estimator",
                "∇J",
                "Policy gradient from one \"sampled\" action a patch (Eq. 4), or its \"expected\" value over all",
            ),
            c(
                "temperature",
                "T",
                "Weight of the policy's own entropy beside the reward; keeps it from settling early",
            ),
            c(
                "alpha",
                "α",
                "Chance of acting by the policy rather than at random, first and last epoch (Eq. 4)",
            ),
            c(
                "cost_printed",
                "C",
                "f0's cost counts as printed in Eq. 3; else it is free as in the authors' code",
            ),
            c(
                "conditioned",
                "λ",
                "One policy for every λ: its training, temperature and how often small λ come; null: none",
            ),
            c(
                "tvd",
                "TVD",
                "Policies fine-tuned from λ = 0 until their routing has moved this far; null: none",
            ),
        ],
    ),
    (
        "Joint fine-tuning",
        &[
            c(
                "finetune",
                "θ1 … θm, θRL",
                "Length, batch, learning rate and schedule of training nets and policy together",
            ),
            c("finetune_alpha", "α", "Chance of acting by the policy, first and last epoch"),
        ],
    ),
    (
        "Nets",
        &[
            c(
                "idk_cost",
                "C",
                "What the IDK cascade pays for a patch when its gates are chosen (Eq. 5): \"accepting\": the net that took it, or \"sum\": all that ran",
            ),
            c(
                "model",
                "",
                "Another net on whole tiles for the comparison: its stage, width and time; used by paser train --model",
            ),
            c("layout", "P", "Size of a tile and the grid of patches in it"),
            c("nets", "f0 … fm", "The nets from small to large: stem and levels of each"),
        ],
    ),
];
