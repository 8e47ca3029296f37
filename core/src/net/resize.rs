//! Resizing a map as two small matrix products, so that bilinear and bicubic have gradients on
//! every device (Burn 0.22 has those of bilinear on the CPU only and those of bicubic nowhere).

use burn::tensor::{Device, Tensor, TensorData};

/// The cubic's free parameter, PyTorch's.
const CUBIC: f64 = -0.75;

/// How values between pixels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// From two neighbours along each axis.
    Linear,
    /// The same with the corner pixels' centres kept in place (PyTorch's `align_corners`).
    LinearAligned,
    /// From four neighbours along each axis.
    Cubic,
}

/// `x` [N,C,h,w] at `size` [H,W]: [N,C,H,W].
pub fn resize(x: Tensor<4>, [height, width]: [usize; 2], between: Between) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let device = x.device();
    let x = if w == width {
        x
    } else {
        let along = matrix(w, width, between, &device).transpose();
        x.reshape([n * c * h, w]).matmul(along).reshape([n, c, h, width])
    };
    if h == height {
        return x;
    }
    let along = matrix(h, height, between, &device).unsqueeze::<3>();
    along.matmul(x.reshape([n * c, h, width])).reshape([n, c, height, width])
}

/// Weights [to, from] of the old pixels in each new one.
fn matrix(from: usize, to: usize, between: Between, device: &Device) -> Tensor<2> {
    let mut weights = vec![0.0_f32; to * from];
    let last = from as f64 - 1.0;
    for (i, row) in weights.chunks_mut(from.max(1)).enumerate() {
        let centred = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        let at = match between {
            Between::Linear => centred.max(0.0),
            Between::LinearAligned => i as f64 * last / (to as f64 - 1.0).max(1.0),
            Between::Cubic => centred,
        };
        for step in -1..=2 {
            let place = at.floor() + f64::from(step);
            row[place.clamp(0.0, last) as usize] += weight(at - place, between) as f32;
        }
    }
    Tensor::from_data(TensorData::new(weights, [to, from]), device)
}

/// Weight of a pixel at `distance`.
fn weight(distance: f64, between: Between) -> f64 {
    let d = distance.abs();
    match between {
        Between::Linear | Between::LinearAligned => (1.0 - d).max(0.0),
        Between::Cubic if d <= 1.0 => ((CUBIC + 2.0) * d - (CUBIC + 3.0)) * d * d + 1.0,
        Between::Cubic if d < 2.0 => ((CUBIC * d - 5.0 * CUBIC) * d + 8.0 * CUBIC) * d - 4.0 * CUBIC,
        Between::Cubic => 0.0,
    }
}
