//! Named tensors of a net: out as plain values, in with every mismatch named.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, Tensor, TensorData};
use std::collections::BTreeMap;

/// Names that a mismatch shows of each kind.
const SHOWN: usize = 6;

/// One tensor of a net.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Shape, outermost first.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub data: Vec<f32>,
}

/// All tensors of a net by name ("enc.0.c0.w").
pub type State = BTreeMap<String, Values>;

/// What keeps a state from being loaded into a net.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Names the net has and the state lacks.
    pub missing: Vec<String>,
    /// Names the state has and the net lacks.
    pub extra: Vec<String>,
    /// Names whose shapes differ.
    pub misshaped: Vec<String>,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        for (what, names) in
            [("missing", &self.missing), ("extra", &self.extra), ("of another shape", &self.misshaped)]
        {
            if !names.is_empty() {
                let more = if names.len() > SHOWN { ", ..." } else { "" };
                let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
                parts.push(format!("{} {what} ({shown}{more})", names.len()));
            }
        }
        write!(f, "{}", parts.join(", "))
    }
}

/// Reads all tensors of `net`.
pub fn state<M: Module>(net: &M) -> State {
    let mut reader = Reader::default();
    net.visit(&mut reader);
    reader.state
}

/// Trainable values of `net`: everything but batch norm's running figures.
pub fn count<M: Module>(net: &M) -> usize {
    let trained = |name: &str| !name.ends_with(".mean") && !name.ends_with(".var");
    shapes(net).iter().filter(|(name, _)| trained(name)).map(|(_, s)| s.iter().product::<usize>()).sum()
}

/// Names and shapes of `net`'s tensors in the order of its layers; weights not made yet are not made.
pub fn shapes<M: Module>(net: &M) -> Vec<(String, Vec<usize>)> {
    let mut reader = ShapeReader::default();
    net.visit(&mut reader);
    reader.shapes
}

#[derive(Default)]
struct ShapeReader {
    path: Vec<String>,
    shapes: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for ShapeReader {
    fn enter_module(&mut self, name: &str, _kind: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _kind: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.shapes.push((self.path.join("."), param.lazy_shape().to_vec()));
    }
}

/// Puts `state` into `net`.
///
/// # Errors
/// Where a name is missing, extra or of another shape; the net is then lost, not half loaded.
pub fn load<M: Module>(net: M, state: State) -> Result<M, Mismatch> {
    let mut writer = Writer { state, ..Writer::default() };
    let net = net.map(&mut writer);
    writer.mismatch.extra = writer.state.into_keys().collect();
    if writer.mismatch == Mismatch::default() { Ok(net) } else { Err(writer.mismatch) }
}

/// `net` with parameters numbered in the order of a visit, so that an optimiser's state, which burn files by
/// parameter, fits the same net in another run.
pub fn numbered<M: Module>(net: M) -> M {
    net.map(&mut Numberer::default())
}

#[derive(Default)]
struct Numberer(u64);

impl ModuleMapper for Numberer {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0 += 1;
        let tensor = param.val();
        let trained = tensor.is_require_grad();
        Param::initialized(ParamId::from(self.0), tensor.detach().set_require_grad(trained))
    }
}

/// Gradients of `net`'s tensors by name.
pub fn gradients<M: Module>(net: &M, gradients: &Gradients) -> BTreeMap<String, Vec<f32>> {
    let mut reader = GradientReader { gradients, path: Vec::new(), found: BTreeMap::new() };
    net.visit(&mut reader);
    reader.found
}

struct GradientReader<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for GradientReader<'_> {
    fn enter_module(&mut self, name: &str, _kind: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _kind: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            self.found.insert(self.path.join("."), gradient.into_data().try_into_vec().unwrap_or_default());
        }
    }
}

#[derive(Default)]
struct Reader {
    path: Vec<String>,
    state: State,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _kind: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _kind: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        let data = tensor.into_data().convert::<f32>().try_into_vec::<f32>().unwrap_or_default();
        self.state.insert(self.path.join("."), Values { shape, data });
    }
}

#[derive(Default)]
struct Writer {
    path: Vec<String>,
    state: State,
    mismatch: Mismatch,
}

impl ModuleMapper for Writer {
    fn enter_module(&mut self, name: &str, _kind: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _kind: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(values) = self.state.remove(&name) else {
            self.mismatch.missing.push(name);
            return param;
        };
        let shape = param.lazy_shape();
        if values.shape != *shape || values.data.len() != shape.num_elements() {
            self.mismatch.misshaped.push(name);
            return param;
        }
        let new = Tensor::from_data(TensorData::new(values.data, values.shape), &param.lazy_device());
        let id = param.id;
        param.transform_for_load(new, id)
    }
}
