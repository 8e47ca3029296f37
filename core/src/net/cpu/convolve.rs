//! Convolution as matrix products over the unfolded map, and its gradients.

use super::dims;
use super::sums::sum;
use burn::backend::flex::FlexTensor;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Partial sums of a weight gradient: a fixed number, so that the order of addition is fixed too.
const PARTS: usize = 8;
/// Unfolded values of one task: what fits a core's second-level cache beside the weights.
const TASK_VALUES: usize = 1 << 18;

/// Sizes of one convolution: `images` maps of `height` x `width`, `kernel` x `kernel` weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    images: usize,
    pub(super) inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
    kernel: usize,
}

impl Geometry {
    pub(super) fn of(x: &FlexTensor, weight: &FlexTensor) -> Self {
        let [images, inputs, height, width] = dims(x);
        let [outputs, _, kernel, _] = dims(weight);
        Self { images, inputs, outputs, height, width, kernel }
    }

    /// The same with inputs and outputs exchanged: the convolution that carries gradients back.
    pub(super) fn reversed(self) -> Self {
        Self { inputs: self.outputs, outputs: self.inputs, ..self }
    }

    pub(super) fn output(self) -> [usize; 4] {
        [self.images, self.outputs, self.height, self.width]
    }

    /// Values that one output value depends on.
    fn depth(self) -> usize {
        self.inputs * self.kernel * self.kernel
    }

    fn plane(self) -> usize {
        self.height * self.width
    }

    /// Groups of whole rows (counted over all images) that make one task each.
    fn tasks(self) -> Vec<Range<usize>> {
        let rows = self.images * self.height;
        let columns = (TASK_VALUES / self.depth()).clamp(128, 4096);
        let step = (columns / self.width).max(1);
        (0..rows).step_by(step).map(|from| from..(from + step).min(rows)).collect()
    }
}

/// Appends `rows` of `x`, unfolded, to `columns`.
fn unfold(x: &[f32], g: Geometry, rows: &Range<usize>, columns: &mut Vec<f32>) {
    let (width, pad) = (g.width, g.kernel / 2);
    for channel in 0..g.inputs {
        for ky in 0..g.kernel {
            for kx in 0..g.kernel {
                for row in rows.clone() {
                    let (image, y) = (row / g.height, row % g.height + ky);
                    if y < pad || y - pad >= g.height {
                        columns.resize(columns.len() + width, 0.0);
                        continue;
                    }
                    let from = ((image * g.inputs + channel) * g.height + y - pad) * width;
                    push_shifted(columns, &x[from..from + width], kx, pad);
                }
            }
        }
    }
}

/// Appends `line` as seen by kernel column `kx`: shifted by `kx - pad`, zeros from outside.
fn push_shifted(columns: &mut Vec<f32>, line: &[f32], kx: usize, pad: usize) {
    let width = line.len();
    let before = pad.saturating_sub(kx).min(width);
    let skip = kx.saturating_sub(pad).min(width);
    columns.resize(columns.len() + before, 0.0);
    columns.extend_from_slice(&line[skip..width - before]);
    columns.resize(columns.len() + skip, 0.0);
}

/// Unfolds `rows` of `x` and hands the columns [inputs * k * k, rows * width] to `work`. Every thread keeps its columns:
/// taken anew for each task, they would leave holes in the heaps of all threads, and long runs would creep.
fn unfolded(x: &[f32], g: Geometry, rows: &Range<usize>, work: impl FnOnce(&[f32])) {
    thread_local!(static COLUMNS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) });
    COLUMNS.with_borrow_mut(|columns| {
        columns.clear();
        columns.reserve_exact(g.depth() * rows.len() * g.width);
        unfold(x, g, rows, columns);
        work(columns);
    });
}

pub(super) fn convolve(x: &[f32], weight: &[f32], bias: &[f32], g: Geometry) -> Vec<f32> {
    let tasks = g.tasks();
    let depth = g.depth();
    let mut blocks = vec![0.0; g.images * g.outputs * g.plane()];
    blocks.par_chunks_mut(g.outputs * tasks[0].len() * g.width).zip(&tasks).for_each(|(block, rows)| {
        unfolded(x, g, rows, |columns| {
            let n = rows.len() * g.width;
            multiply([g.outputs, n, depth], block, false, (weight, [depth, 1]), (columns, [n, 1]));
        });
    });
    fold_blocks(&blocks, &tasks, bias, g)
}

/// Puts the blocks [outputs, rows * width] of all tasks, one after the other, in place and adds the bias.
fn fold_blocks(blocks: &[f32], tasks: &[Range<usize>], bias: &[f32], g: Geometry) -> Vec<f32> {
    let step = tasks[0].len();
    let mut out = vec![0.0; blocks.len()];
    out.par_chunks_mut(g.plane()).enumerate().for_each(|(index, plane)| {
        let (image, output) = (index / g.outputs, index % g.outputs);
        let mut y = 0;
        while y < g.height {
            let row = image * g.height + y;
            let task = &tasks[row / step];
            let rows = (task.end - row).min(g.height - y);
            let block = &blocks[task.start * g.outputs * g.width..];
            let from = (output * task.len() + row - task.start) * g.width;
            let source = &block[from..from + rows * g.width];
            for (d, s) in plane[y * g.width..].iter_mut().zip(source) {
                *d = s + bias[output];
            }
            y += rows;
        }
    });
    out
}

pub(super) fn weight_gradient(x: &[f32], grad: &[f32], g: Geometry) -> Vec<f32> {
    let tasks = g.tasks();
    let depth = g.depth();
    let size = g.outputs * depth;
    let parts: Vec<Vec<f32>> = tasks
        .par_chunks(tasks.len().div_ceil(PARTS))
        .map(|tasks| {
            let (mut block, mut sum) = (Vec::new(), vec![0.0; size]);
            for rows in tasks {
                gather_rows(grad, g, rows, &mut block);
                let n = rows.len() * g.width;
                unfolded(x, g, rows, |columns| {
                    multiply([g.outputs, depth, n], &mut sum, true, (&block, [n, 1]), (columns, [1, n]));
                });
            }
            sum
        })
        .collect();
    let mut total = vec![0.0; size];
    total.par_chunks_mut(4096).enumerate().for_each(|(i, chunk)| {
        for part in &parts {
            let part = &part[i * 4096..];
            chunk.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
    });
    total
}

/// Copies `rows` of all output channels of `grad` into `block` [outputs, rows * width].
fn gather_rows(grad: &[f32], g: Geometry, rows: &Range<usize>, block: &mut Vec<f32>) {
    block.clear();
    for output in 0..g.outputs {
        for row in rows.clone() {
            let (image, y) = (row / g.height, row % g.height);
            let from = ((image * g.outputs + output) * g.height + y) * g.width;
            block.extend_from_slice(&grad[from..from + g.width]);
        }
    }
}

pub(super) fn bias_gradient(grad: &[f32], g: Geometry) -> Vec<f32> {
    let sums: Vec<f64> = grad.par_chunks(g.plane()).map(|p| sum(p, |v| v)).collect();
    (0..g.outputs).map(|o| sums.iter().skip(o).step_by(g.outputs).sum::<f64>() as f32).collect()
}

/// Weights of the convolution that carries gradients back: channels exchanged, kernel turned round.
pub(super) fn flip(weight: &[f32], g: Geometry) -> Vec<f32> {
    let taps = g.kernel * g.kernel;
    let mut flipped = vec![0.0; weight.len()];
    for output in 0..g.outputs {
        for input in 0..g.inputs {
            for tap in 0..taps {
                flipped[(input * g.outputs + output) * taps + taps - 1 - tap] =
                    weight[(output * g.inputs + input) * taps + tap];
            }
        }
    }
    flipped
}

/// A matrix and its [row, column] strides.
type Matrix<'a> = (&'a [f32], [usize; 2]);

/// `out` [m,n] = (`add` ? out : 0) + `a` [m,k] * `b` [k,n], on this thread.
#[allow(unsafe_code)]
fn multiply([m, n, k]: [usize; 3], out: &mut [f32], add: bool, a: Matrix<'_>, b: Matrix<'_>) {
    let reach = |rows: usize, columns: usize, [r, c]: [usize; 2]| (rows - 1) * r + (columns - 1) * c;
    assert!(m > 0 && n > 0 && k > 0 && out.len() >= m * n);
    assert!(a.0.len() > reach(m, k, a.1) && b.0.len() > reach(k, n, b.1));
    let strides = |[r, c]: [usize; 2]| (c as isize, r as isize);
    let ((a_column, a_row), (b_column, b_row)) = (strides(a.1), strides(b.1));
    // SAFETY: the asserts above keep every access m x n, m x k and k x n within its slice, and
    // `out` is borrowed exclusively.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.0.as_ptr(),
            a_column,
            a_row,
            b.0.as_ptr(),
            b_column,
            b_row,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
