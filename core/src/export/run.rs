//! The folder of a segmentation run: labels, entropy, routes, class table and the evidence file,
//! written slice by slice in constant memory.

use super::staging::Staging;
use super::{AtomicFile, LabelFormat, LabelMeta, LabelWriter, StackMeta, StackWriter, png_rgb, write_atomic};
use crate::data::classes::Class;
use crate::error::{Error, Result};
use crate::metrics::UNLABELLED;
use crate::route::SliceResult;
use crate::volume::Dtype;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What a run's exports need to know.
#[derive(Clone, Debug)]
pub struct RunMeta {
    /// Beginning of every file's name: the stack's.
    pub name: String,
    /// Slices, rows, columns.
    pub shape: [usize; 3],
    /// Number of the first slice in its stack.
    pub first_slice: usize,
    /// Voxel size Z, Y, X where known.
    pub voxel_size: Option<[f64; 3]>,
    /// Its unit.
    pub unit: Option<String>,
    /// Classes in order.
    pub classes: Vec<Class>,
    /// Number of nets.
    pub nets: usize,
    /// Whether there is an entropy map.
    pub entropy: bool,
    /// Everything that made the run: input, bundle, λ, seed, device, ranges.
    pub evidence: serde_json::Value,
}

/// Sums over a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Slices written.
    pub slices: usize,
    /// Patches by net.
    pub patches: Vec<u64>,
    /// Pixels by class.
    pub pixels: Vec<u64>,
    /// Pixels without a class.
    pub unlabelled: u64,
    /// The paper's count.
    pub flops_total: u64,
    /// What was executed.
    pub flops_run: u64,
}

impl Totals {
    /// All zero.
    pub fn new(nets: usize, classes: usize) -> Self {
        Self { patches: vec![0; nets], pixels: vec![0; classes], ..Self::default() }
    }

    /// Adds a slice.
    pub fn add(&mut self, result: &SliceResult) {
        self.slices += 1;
        for label in &result.labels {
            match self.pixels.get_mut(usize::from(*label)) {
                Some(count) => *count += 1,
                None => self.unlabelled += 1,
            }
        }
        for route in &result.routes {
            if let Some(count) = self.patches.get_mut(usize::from(route.net)) {
                *count += 1;
            }
        }
        self.flops_total += result.flops_total;
        self.flops_run += result.flops_run;
    }

    /// Share of patches by net.
    pub fn shares(&self) -> Vec<f64> {
        parts(&self.patches)
    }

    /// Part of each class among the labelled pixels.
    pub fn fractions(&self) -> Vec<f64> {
        parts(&self.pixels)
    }
}

fn parts(counts: &[u64]) -> Vec<f64> {
    let total = counts.iter().sum::<u64>().max(1) as f64;
    counts.iter().map(|c| *c as f64 / total).collect()
}

/// Writes a run's folder; nothing bears its final name before all is complete.
pub struct RunWriter {
    out: PathBuf,
    staging: Staging,
    meta: RunMeta,
    labels: StackWriter,
    /// The labels in further formats.
    further: Vec<LabelWriter>,
    entropy: Option<StackWriter>,
    routes: AtomicFile,
    /// The middle slice's labels in colour.
    preview: Vec<u8>,
    force: bool,
    totals: Totals,
    /// Of the labels as written, and of the routes' table.
    hashes: [Sha256; 2],
}

/// One class of the sidecar.
#[derive(Serialize)]
struct Legend<'a> {
    value: usize,
    name: &'a str,
    colour: [u8; 3],
}

impl RunWriter {
    /// Begins the exports in `folder`, which is made where it does not exist.
    ///
    /// # Errors
    /// Where a file of the run exists already and `force` is not given, another run writes there, or nothing can
    /// be written.
    pub fn create(folder: &Path, meta: RunMeta, force: bool) -> Result<Self> {
        let staging = Staging::begin(folder)?;
        let path = |end: &str| staging.folder().join(format!("{}_{end}", meta.name));
        let names = ["labels.tif", "entropy.tif", "routes.csv", "classes.json", "preview.png", "report.html"];
        let places = names.map(|end| folder.join(format!("{}_{end}", meta.name)));
        free(places.into_iter().chain([folder.join("run.json")]), force)?;
        let scale =
            StackMeta { voxel_size: meta.voxel_size, unit: meta.unit.clone(), ..StackMeta::default() };
        let mut palette = vec![[0, 0, 0]];
        palette.extend(meta.classes.iter().map(|c| c.colour));
        let coloured = StackMeta { palette: Some(palette), range: Some((0.0, 255.0)), ..scale.clone() };
        let most = (meta.classes.len() as f64).ln();
        let entropy = StackMeta { range: Some((0.0, most)), ..scale };
        let labels = StackWriter::create(&path("labels.tif"), meta.shape, Dtype::U8, &coloured, force)?;
        let entropy = meta
            .entropy
            .then(|| StackWriter::create(&path("entropy.tif"), meta.shape, Dtype::F32, &entropy, force))
            .transpose()?;
        let mut routes = AtomicFile::create(&path("routes.csv"))?;
        let columns: Vec<String> = (0..meta.nets).map(|i| format!("probability_f{i}")).collect();
        let head = format!("slice,y_px,x_px,height_px,width_px,net,entropy_nats,{}\n", columns.join(","));
        routes.write(head.as_bytes())?;
        let totals = Totals::new(meta.nets, meta.classes.len());
        Ok(Self {
            out: folder.to_owned(),
            staging,
            meta,
            labels,
            further: Vec::new(),
            entropy,
            routes,
            preview: Vec::new(),
            force,
            totals,
            hashes: [Sha256::new(), Sha256::new()],
        })
    }

    /// Has the labels written in further formats too.
    ///
    /// # Errors
    /// Where a file of one exists already and replacing is not allowed.
    pub fn also(mut self, formats: &[LabelFormat]) -> Result<Self> {
        let meta = LabelMeta {
            shape: self.meta.shape,
            voxel_size: self.meta.voxel_size.zip(self.meta.unit.clone()),
            classes: self.meta.classes.clone(),
        };
        let places =
            formats.iter().flat_map(|f| f.paths(&self.out.join(&self.meta.name), &self.meta.classes));
        free(places, self.force)?;
        let stem = self.staging.folder().join(&self.meta.name);
        let writer = |format: &LabelFormat| LabelWriter::create(*format, &stem, &meta, self.force);
        self.further = formats.iter().map(writer).collect::<Result<_>>()?;
        Ok(self)
    }

    /// Writes slice `z` (counted from 0 in its stack; the files count from 1).
    ///
    /// # Errors
    /// Where it cannot be written or has another size.
    pub fn push(&mut self, z: usize, result: &SliceResult) -> Result<()> {
        let value = |l: &u8| if *l == UNLABELLED { 0 } else { l + 1 };
        let labels: Vec<u8> = result.labels.iter().map(value).collect();
        self.labels.push_u8(&labels)?;
        self.hashes[0].update(&labels);
        for writer in &mut self.further {
            writer.push(&labels)?;
            writer.push_probabilities(&result.probabilities)?;
        }
        if let Some(entropy) = &mut self.entropy {
            entropy.push_f32(&result.entropy)?;
        }
        let mut text = String::new();
        for route in &result.routes {
            let mut probabilities: Vec<String> =
                route.probabilities.iter().map(|p| format!("{p:.5}")).collect();
            probabilities.resize(self.meta.nets, String::new());
            let at = route.at;
            text += &format!(
                "{},{},{},{},{},f{},{:.5},{}\n",
                z + 1,
                at.y,
                at.x,
                at.height,
                at.width,
                route.net,
                route.entropy,
                probabilities.join(",")
            );
        }
        self.routes.write(text.as_bytes())?;
        self.hashes[1].update(text.as_bytes());
        if self.totals.slices == self.meta.shape[0] / 2 {
            let colour = |l: &u8| self.meta.classes.get(usize::from(*l)).map_or([0; 3], |c| c.colour);
            self.preview = result.labels.iter().flat_map(colour).collect();
        }
        self.totals.add(result);
        Ok(())
    }

    /// Sums so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Adds an entry to the run's evidence.
    pub fn note(&mut self, key: &str, value: serde_json::Value) {
        self.meta.evidence[key] = value;
    }

    /// Completes all files, which get their places when they are published.
    ///
    /// # Errors
    /// Where slices are missing or a file cannot be completed.
    pub fn finish(self) -> Result<Finished> {
        let folder = self.staging.folder().to_owned();
        let mut outputs = vec![self.labels.finish()?];
        for writer in self.further {
            outputs.extend(writer.finish()?);
        }
        outputs.extend(self.entropy.map(StackWriter::finish).transpose()?);
        outputs.push(self.routes.persist(self.force)?);
        let legend = self.meta.classes.iter().enumerate();
        let legend: Vec<Legend<'_>> =
            legend.map(|(i, c)| Legend { value: i + 1, name: &c.name, colour: c.colour }).collect();
        let classes = folder.join(format!("{}_classes.json", self.meta.name));
        write_atomic(&classes, &json(&legend)?, self.force)?;
        let preview = folder.join(format!("{}_preview.png", self.meta.name));
        png_rgb(&preview, self.meta.shape[2], self.meta.shape[1], &self.preview, self.force)?;
        let evidence = folder.join("run.json");
        let [labels_hash, routes_hash] = self
            .hashes
            .map(|hash| -> String { hash.finalize().iter().map(|b| format!("{b:02x}")).collect() });
        let run = serde_json::json!({
            "run": self.meta.evidence,
            "first_slice": self.meta.first_slice + 1,
            "totals": self.totals,
            "fractions": self.totals.fractions(),
            "shares": self.totals.shares(),
            "labels_sha256": labels_hash,
            "routes_sha256": routes_hash,
        });
        write_atomic(&evidence, &json(&run)?, self.force)?;
        outputs.extend([classes, preview, evidence]);
        Ok(Finished { staging: self.staging, written: outputs, force: self.force })
    }
}

/// A run's files, complete, before they get their places.
pub struct Finished {
    staging: Staging,
    written: Vec<PathBuf>,
    force: bool,
}

impl Finished {
    /// Where they are until then; what is written here and named by [`also`](Self::also) goes with them.
    pub fn folder(&self) -> &Path {
        self.staging.folder()
    }

    /// Takes along `files`, which lie in [`folder`](Self::folder).
    pub fn also(&mut self, files: Vec<PathBuf>) {
        self.written.extend(files);
    }

    /// Gives all files their places and says where they are.
    ///
    /// # Errors
    /// Where something lies there already that may not be replaced, or they cannot be moved.
    pub fn publish(self) -> Result<Vec<PathBuf>> {
        self.staging.publish(&self.written, self.force)
    }
}

/// Refuses early what would be refused after all the work.
fn free(mut places: impl Iterator<Item = PathBuf>, force: bool) -> Result<()> {
    match places.find(|p| !force && p.symlink_metadata().is_ok()) {
        Some(taken) => Err(Error::Exists(taken)),
        None => Ok(()),
    }
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value)
        .map_err(|e| Error::invalid(format!("the run cannot be written down ({e})")))
}
