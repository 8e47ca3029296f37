//! Supervised stages of Algorithm 1: pretraining f1 to fm on patches (lines 1 to 6) and distilling
//! f0 from fm on whole tiles (lines 7 to 12, Eq. 1).

use super::batches::Batches;
use super::checkpoint::Checkpoint;
use super::config::Stage;
use super::loss;
use super::run::Run;
use super::stage::{Lesson, Pupils, Said, drive};
use super::watch;
use crate::data::dataset::Crop;
use crate::error::Result;
use crate::event::Picture;
use crate::metrics::{macro_iou, mean};
use crate::net::Net;
use crate::net::dropout::{Dropout, Off, Random};
use crate::route::segment::floats;
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use std::collections::HashMap;

/// Held-out pieces that a stage looks at now and then.
const LOOKED_AT: usize = 16;

/// Trains net `index` (1 to m) on patches.
///
/// # Errors
/// As [`drive`].
pub(crate) fn pretrain(run: &mut Run<'_>, kept: &Checkpoint, index: usize) -> Result<Net> {
    let stage = run.config.pretrain[index - 1];
    let size = run.config.layout.patch();
    let name = format!("pretrain f{index}");
    let mut lesson = Supervised::new(run, &run.net_images(index), index, (size, LOOKED_AT), &stage, &name);
    let per_epoch = lesson.per_epoch();
    drive(run, kept, &name, &stage, per_epoch, Pupils::net(run.first(index)), &mut lesson)?.into_net()
}

/// One net learns pieces of images from the truth.
pub(super) struct Supervised {
    batches: Batches,
    size: [usize; 2],
    held_out: HeldOut,
}

impl Supervised {
    /// Net `index` learns pieces of `size` of `images`; `looked_at` held-out ones are looked at now and then.
    pub(super) fn new(
        run: &Run<'_>,
        images: &[usize],
        index: usize,
        (size, looked_at): ([usize; 2], usize),
        stage: &Stage,
        name: &str,
    ) -> Self {
        let batches = Batches::new(run, images, size, stage, name);
        Self { batches, size, held_out: HeldOut::of(run, index, size, looked_at) }
    }

    /// Steps to a pass over the images.
    pub(super) fn per_epoch(&self) -> usize {
        self.batches.per_epoch()
    }
}

impl Lesson for Supervised {
    fn step(&mut self, run: &mut Run<'_>, pupils: &mut Pupils, step: usize, rate: f64) -> Result<Said> {
        let crops: Vec<Crop> = self.batches.at(run, step).into_iter().map(|(_, crop)| crop).collect();
        let (x, targets, pixels) = run.tensors(&crops, self.size);
        let mut dropout: Box<dyn Dropout> = if run.config.dropout { Box::new(Random) } else { Box::new(Off) };
        let net = &mut pupils.nets[0];
        let loss = match &net.module {
            Net::Matphase(parts) => loss::matphase(parts.answers(x, dropout.as_mut()), &targets, pixels),
            _ => loss::cross_entropy(net.module.forward_train(x, dropout.as_mut()), targets, pixels),
        };
        net.step(rate, &loss);
        Ok(Said { loss: loss.detach(), figures: Vec::new(), done: false })
    }

    fn look(&mut self, run: &Run<'_>, pupils: &Pupils) -> Result<Option<f64>> {
        self.held_out.iou(run, &pupils.nets[0].module)
    }

    fn picture(&mut self, run: &Run<'_>, pupils: &Pupils) -> Result<Option<Picture>> {
        watch::labelled(run, &pupils.nets[0].module, self.size)
    }
}

/// Trains f0 on whole tiles with its dropout on, from the truth and from `teacher`.
///
/// # Errors
/// As [`drive`].
pub(crate) fn distil(run: &mut Run<'_>, kept: &Checkpoint, teacher: &Net) -> Result<Net> {
    let stage = run.config.distil;
    let size = run.config.layout.tile;
    let looked_at = LOOKED_AT / run.config.layout.patches().max(4);
    let pieces = Supervised::new(run, &run.net_images(0), 0, (size, looked_at), &stage, "distil f0");
    let per_epoch = pieces.per_epoch();
    let mut lesson = Distil { pieces, teacher: teacher.valid(), known: HashMap::new() };
    drive(run, kept, "distil f0", &stage, per_epoch, Pupils::net(run.first(0)), &mut lesson)?.into_net()
}

struct Distil {
    pieces: Supervised,
    teacher: Net,
    /// The teacher's answers for pieces that come back.
    known: HashMap<[usize; 3], TensorData>,
}

impl Distil {
    fn taught(&mut self, run: &Run<'_>, key: Option<[usize; 3]>, crop: &Crop) -> TensorData {
        if let Some(answer) = key.and_then(|key| self.known.get(&key)) {
            return answer.clone();
        }
        let device = run.device.clone().inner();
        let [h, w] = self.pieces.size;
        let values = TensorData::new(crop.values.clone(), [1, run.channels, h, w]);
        let answer = self.teacher.forward(Tensor::from_data(values, &device), &mut Off).into_data();
        if let Some(key) = key {
            self.known.insert(key, answer.clone());
        }
        answer
    }
}

impl Lesson for Distil {
    fn step(&mut self, run: &mut Run<'_>, pupils: &mut Pupils, step: usize, rate: f64) -> Result<Said> {
        let batch = self.pieces.batches.at(run, step);
        let most = if run.config.beta == 0.0 { 0 } else { batch.len() };
        let taught = run.config.taught.unwrap_or(most).clamp(most.min(1), most);
        let answers: Vec<Tensor<4>> = batch
            .iter()
            .take(taught)
            .map(|(key, crop)| Tensor::from_data(self.taught(run, *key, crop), &run.device))
            .collect();
        let crops: Vec<Crop> = batch.into_iter().map(|(_, crop)| crop).collect();
        let (x, targets, pixels) = run.tensors(&crops, self.pieces.size);
        let net = &mut pupils.nets[0];
        let logits = net.module.forward_train(x, &mut Random);
        let mut loss = loss::cross_entropy(logits.clone(), targets, pixels);
        if !answers.is_empty() {
            let kd = loss::distillation(logits.narrow(0, 0, taught), Tensor::cat(answers, 0));
            let own = if run.config.kd_printed { 1.0 } else { 1.0 - run.config.beta };
            loss = loss * own + kd * run.config.beta;
        }
        net.step(rate, &loss);
        Ok(Said { loss: loss.detach(), figures: Vec::new(), done: false })
    }

    fn look(&mut self, run: &Run<'_>, pupils: &Pupils) -> Result<Option<f64>> {
        self.pieces.look(run, pupils)
    }

    fn picture(&mut self, run: &Run<'_>, pupils: &Pupils) -> Result<Option<Picture>> {
        self.pieces.picture(run, pupils)
    }
}

/// A few pieces of the validation images, spread over them.
struct HeldOut {
    crops: Vec<Crop>,
    size: [usize; 2],
}

impl HeldOut {
    fn of(run: &Run<'_>, net: usize, size: [usize; 2], count: usize) -> Self {
        let corners = |i: &usize| {
            let [height, width] = run.data.samples[*i].image.size;
            let i = *i;
            let rows = (0..height).step_by(size[0]);
            rows.flat_map(move |y| (0..width).step_by(size[1]).map(move |x| (i, [y, x])))
        };
        let all: Vec<(usize, [usize; 2])> = run.held_out(net).iter().flat_map(corners).collect();
        let taken = all.iter().step_by((all.len() / count.max(1)).max(1)).take(count);
        Self { crops: taken.map(|(i, corner)| run.data.samples[*i].crop(*corner, size)).collect(), size }
    }

    /// Mean macro IoU of `net` without dropout; none where nothing was held out.
    fn iou(&self, run: &Run<'_>, net: &Net) -> Result<Option<f64>> {
        if self.crops.is_empty() {
            return Ok(None);
        }
        let (x, ..) = run.tensors(&self.crops, self.size);
        let labels = floats(net.valid().forward(x.inner(), &mut Off).argmax(1).float().into_data())?;
        let each = labels.chunks(self.size.iter().product()).zip(&self.crops).filter_map(|(labels, crop)| {
            let labels: Vec<u8> = labels.iter().map(|l| *l as u8).collect();
            macro_iou(&labels, &crop.truth, run.classes)
        });
        Ok(Some(mean(&each.collect::<Vec<_>>())))
    }
}
