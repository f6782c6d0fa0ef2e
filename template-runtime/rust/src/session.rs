// Owned by the template: `copier update` may rewrite it, do not edit.

//! Sessions: an opened component, its checked calls and their results.

use std::ops::Index;

use crate::buffer::{byte_length, wrong_count};
use crate::check::{self, Dims, Seen};
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::metadata::{Component, TensorSpec};
use crate::object::{self, Value};
use crate::sys;
use crate::tensor::{ALIGNMENT, Tensor};
use crate::vm::{self, Vm};

/// One opened component of a plugin, ready to run.
///
/// [`Library::session`](crate::Library::session) opens one. Sessions of one component are
/// independent of each other; each holds TVM's virtual machine for it and releases it when dropped.
///
/// A session may move between threads, but not be shared by them (`Send`, not `Sync`): the virtual
/// machine keeps a call's state. Open one session per thread to run a component in parallel.
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<tvm_runtime_flutter::Session>();
/// ```
#[derive(Debug)]
pub struct Session {
    component: &'static Component,
    vm: Vm,
}

const _: () = {
    const fn moves_between_threads<T: Send>() {}
    const fn is_shared_by_threads<T: Sync>() {}
    moves_between_threads::<Session>();
    moves_between_threads::<Tensor>();
    is_shared_by_threads::<Tensor>();
};

impl Session {
    pub(crate) fn new(component: &'static Component) -> Result<Self> {
        Ok(Self { component, vm: Vm::open(component)? })
    }

    /// What the compiler wrote about this component: its inputs, outputs and dimensions.
    #[must_use]
    pub fn component(&self) -> &'static Component {
        self.component
    }

    /// Runs the component on named inputs, in any order.
    ///
    /// Everything is checked against the metadata before TVM sees it: names, element types, ranks,
    /// fixed extents, bounds and consistency of dynamic ones, and the range of index inputs. Aligned
    /// inputs are not copied, and the outputs are TVM's own memory.
    ///
    /// ```no_run
    /// # fn example(encoder: &mut tvm_runtime_flutter::Session) -> tvm_runtime_flutter::Result<()> {
    /// use tvm_runtime_flutter::Tensor;
    ///
    /// let ids = Tensor::from_slice::<i64>(&[1, 3], &[4, 7, 2])?;
    /// let outputs = encoder.run(&[("ids", &ids)])?;
    /// let hidden: &[f32] = outputs["hidden"].as_slice()?;
    /// # let _ = hidden; Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Missing`], [`Error::Duplicate`], [`Error::Dtype`],
    /// [`Error::Shape`] and [`Error::OutOfRange`] for inputs that do not fit; [`Error::Runtime`] if
    /// TVM fails; [`Error::Metadata`] if the outputs are not what the metadata says.
    pub fn run<'a, I>(&mut self, inputs: &[(&str, I)]) -> Result<Outputs>
    where
        I: Into<Input<'a>> + Copy,
    {
        let order = check::order(self.component, inputs.iter().map(|(name, _)| *name))?;
        let mut dims = Dims::new();
        let mut bound = Vec::with_capacity(order.len());
        for (spec, position) in self.component.inputs.iter().zip(order) {
            let input: Input<'a> = inputs[position].1.into();
            check::tensor(self.component, spec, &input.seen(), &mut dims)?;
            bound.push(input.bind()?);
        }
        let mut args: Vec<sys::Any> =
            bound.iter().map(|input| input.tensor.object().as_any()).collect();
        // SAFETY: each argument is a tensor that `bound` keeps alive until the call returns, of the
        // type, shape and range that the compiler recorded for the function.
        let result = unsafe { object::call(self.vm.function(), &mut args) }?;
        self.outputs(result, &bound, &mut dims)
    }

    fn outputs(
        &self,
        result: Value,
        inputs: &[Bound<'_>],
        dims: &mut Dims<'static>,
    ) -> Result<Outputs> {
        let specs = &self.component.outputs;
        let mut tensors = Vec::with_capacity(specs.len());
        vm::flatten(result, &mut tensors)?;
        if tensors.len() != specs.len() {
            return Err(Error::metadata(format!(
                "component `{}` returned {} tensors, but its metadata lists {}",
                self.component.name,
                tensors.len(),
                specs.len()
            )));
        }
        for (spec, tensor) in specs.iter().zip(&mut tensors) {
            let seen =
                Seen { dtype: tensor.dtype(), shape: tensor.shape(), bytes: tensor.as_bytes() };
            check::tensor(self.component, spec, &seen, dims).map_err(|error| {
                Error::metadata(format!("component `{}` returned: {error}", self.component.name))
            })?;
            if inputs.iter().any(|input| input.lends_to(tensor)) {
                *tensor = tensor.deep_copy()?;
            }
        }
        Ok(Outputs { specs, tensors })
    }
}

/// What a session takes as an input: a tensor, or a slice that is borrowed for the call.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(Source<'a>);

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Tensor(&'a Tensor),
    Slice(Slice<'a>),
}

#[derive(Clone, Copy, Debug)]
struct Slice<'a> {
    shape: &'a [i64],
    bytes: &'a [u8],
    dtype: crate::DType,
    bind: fn(&[i64], &[u8]) -> Result<Tensor>,
}

impl<'a> Input<'a> {
    /// A slice with a shape, lent to the session for one call.
    ///
    /// On a 64-byte boundary it is not copied. Elsewhere it is, since compiled functions rely on
    /// that alignment: the one copy that an input can cost. A [`Tensor`] is always aligned.
    ///
    /// # Errors
    /// [`Error::Shape`] if `shape` does not have as many elements as `values`.
    pub fn slice<T: Element>(shape: &'a [i64], values: &'a [T]) -> Result<Self> {
        if byte_length(T::DTYPE, shape)? != size_of_val(values) {
            return Err(wrong_count(shape, values.len()));
        }
        Ok(Self(Source::Slice(Slice {
            shape,
            bytes: bytes_of(values),
            dtype: T::DTYPE,
            bind: bind_slice::<T>,
        })))
    }

    fn seen(&self) -> Seen<'a> {
        match self.0 {
            Source::Tensor(tensor) => {
                Seen { dtype: tensor.dtype(), shape: tensor.shape(), bytes: tensor.as_bytes() }
            }
            Source::Slice(Slice { shape, bytes, dtype, .. }) => Seen { dtype, shape, bytes },
        }
    }

    fn bind(&self) -> Result<Bound<'a>> {
        let (tensor, lent) = match self.0 {
            Source::Tensor(tensor) if tensor.is_aligned() => (tensor.clone(), None),
            Source::Tensor(tensor) => (tensor.deep_copy()?, None),
            Source::Slice(Slice { shape, bytes, bind, .. }) => (bind(shape, bytes)?, Some(bytes)),
        };
        Ok(Bound { tensor, lent })
    }
}

impl<'a> From<&'a Tensor> for Input<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self(Source::Tensor(tensor))
    }
}

/// An input as TVM takes it.
struct Bound<'a> {
    tensor: Tensor,
    /// The caller's memory, which nothing may refer to once the call is over.
    lent: Option<&'a [u8]>,
}

impl Bound<'_> {
    /// Whether `output` lies in memory that was lent for this call only.
    fn lends_to(&self, output: &Tensor) -> bool {
        self.lent.is_some_and(|bytes| bytes.as_ptr_range().contains(&output.data().cast_const()))
    }
}

fn bytes_of<T: Element>(values: &[T]) -> &[u8] {
    // SAFETY: elements are plain numbers without padding.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

fn bind_slice<T: Element>(shape: &[i64], bytes: &[u8]) -> Result<Tensor> {
    // SAFETY: `Input::slice` made the bytes from a slice of T.
    let values = unsafe {
        std::slice::from_raw_parts(bytes.as_ptr().cast::<T>(), bytes.len() / size_of::<T>())
    };
    if bytes.is_empty() || bytes.as_ptr().addr() % ALIGNMENT != 0 {
        return Tensor::from_slice(shape, values);
    }
    // SAFETY: the memory is borrowed for the whole call. TVM may keep the tensor object longer, in
    // the register of its last result, but reads data only during a call; a result that lies in
    // lent memory is copied before the borrow ends (`lends_to`).
    unsafe { Tensor::over(shape, values) }
}

/// The named results of a call.
///
/// ```no_run
/// # fn example(step: &mut tvm_runtime_flutter::Session, x: &tvm_runtime_flutter::Tensor)
/// # -> tvm_runtime_flutter::Result<()> {
/// let outputs = step.run(&[("x", x)])?;
/// let state = outputs.keep("state")?; // keep one, for the next call
/// let probability = outputs["probability"].as_slice::<f32>()?[0];
/// # let _ = (state, probability); Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Outputs {
    specs: &'static [TensorSpec],
    tensors: Vec<Tensor>,
}

impl Outputs {
    /// The output of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is none.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.position(name).map(|position| &self.tensors[position])
    }

    /// A handle of its own to the output of that name. Its memory is shared, not copied, and outlives
    /// these outputs and the session.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is none.
    pub fn keep(&self, name: &str) -> Result<Tensor> {
        self.get(name).cloned()
    }

    /// Names and tensors in the order of the metadata.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.specs.iter().map(|spec| spec.name.as_str()).zip(&self.tensors)
    }

    /// The tensors in the order of the metadata.
    #[must_use]
    pub fn into_tensors(self) -> Vec<Tensor> {
        self.tensors
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.specs.iter().position(|spec| spec.name == name).ok_or_else(|| Error::Unknown {
            what: "output",
            name: name.into(),
            known: self.specs.iter().map(|spec| spec.name.clone()).collect(),
        })
    }
}

impl Index<&str> for Outputs {
    type Output = Tensor;

    /// As [`get`](Outputs::get).
    ///
    /// # Panics
    /// If there is no output of that name.
    fn index(&self, name: &str) -> &Tensor {
        self.get(name).unwrap_or_else(|error| panic!("{error}. {}", error.mend()))
    }
}
