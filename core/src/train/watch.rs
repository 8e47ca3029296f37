//! One tile as the pupils of the moment see it, for whoever watches a training.

use super::run::Run;
use crate::compare::TileEntry;
use crate::data::dataset::Crop;
use crate::error::Result;
use crate::event::Picture;
use crate::net::Net;
use crate::net::dropout::Off;
use crate::route::segment::floats;
use crate::route::tiles::{Layout, Rect, cut, paste};
use burn::tensor::{Tensor, TensorData};

/// The tile in the middle of the first held-out image, or of the first image where none is held out, as
/// `net` labels it in pieces of `size` (whole tiles, or patches); none where nobody watches.
pub(crate) fn labelled(run: &Run<'_>, net: &Net, size: [usize; 2]) -> Result<Option<Picture>> {
    let held_out = run.split.validation.first().or(run.split.train.first());
    let Some(sample) = held_out.map(|i| &run.data.samples[*i]).filter(|_| run.control.watched()) else {
        return Ok(None);
    };
    let tile = run.config.layout.tile;
    let corners = run.config.layout.tiles(sample.image.size);
    let whole = |corner: &&[usize; 2]| (0..2).all(|i| corner[i] + tile[i] <= sample.image.size[i]);
    let inside: Vec<[usize; 2]> = corners.iter().filter(whole).copied().collect();
    let corner = inside.get(inside.len() / 2).copied().unwrap_or_default();
    let crop = sample.crop(corner, tile);
    let labels = labels(run, net, &crop, size)?;
    Ok(Some(picture(&sample.name, tile, crop, labels, Vec::new())))
}

/// The first tile of a reward table as `actions`, one a patch, route it; none where nobody watches.
pub(crate) fn routed(run: &Run<'_>, sample: usize, tile: &TileEntry, actions: &[u8]) -> Option<Picture> {
    if !run.control.watched() {
        return None;
    }
    let (layout, sample) = (run.config.layout, &run.data.samples[sample]);
    let [height, width] = layout.patch();
    let mut labels = vec![0; layout.tile.iter().product()];
    for (index, action) in actions.iter().enumerate() {
        let (y, x) = (index / layout.grid[1] * height, index % layout.grid[1] * width);
        let patch = &tile.examined.labels[index][usize::from(*action)];
        paste(&mut labels, layout.tile[1], Rect { y, x, height, width }, patch, width);
    }
    let crop = sample.crop(tile.examined.corner, layout.tile);
    Some(picture(&sample.name, layout.tile, crop, labels, actions.to_vec()))
}

fn picture(image: &str, size: [usize; 2], crop: Crop, labels: Vec<u8>, routes: Vec<u8>) -> Picture {
    let grey = crop.values.iter().take(size[0] * size[1]).map(|v| (255.0 * v).clamp(0.0, 255.0) as u8);
    Picture { image: image.to_owned(), size, grey: grey.collect(), truth: crop.truth, labels, routes }
}

/// Classes of a tile's pixels by `net` without dropout.
fn labels(run: &Run<'_>, net: &Net, crop: &Crop, size: [usize; 2]) -> Result<Vec<u8>> {
    use burn::module::Module;
    let tile = run.config.layout.tile;
    let pieces = Layout { tile: size, grid: [1, 1] }.tiles(tile);
    let planes: Vec<&[f32]> = crop.values.chunks(tile[0] * tile[1]).collect();
    let values: Vec<f32> =
        pieces.iter().flat_map(|at| planes.iter().flat_map(|p| cut(p, tile, *at, size))).collect();
    let shape = [pieces.len(), run.channels, size[0], size[1]];
    let x = Tensor::<4>::from_data(TensorData::new(values, shape), &run.device.clone().inner());
    let said = floats(net.valid().forward(x, &mut Off).argmax(1).float().into_data())?;
    let mut labels = vec![0u8; tile[0] * tile[1]];
    for (said, [y, x]) in said.chunks(size[0] * size[1]).zip(pieces) {
        let said: Vec<u8> = said.iter().map(|l| *l as u8).collect();
        let (height, width) = (size[0].min(tile[0] - y), size[1].min(tile[1] - x));
        paste(&mut labels, tile[1], Rect { y, x, height, width }, &said, size[1]);
    }
    Ok(labels)
}
