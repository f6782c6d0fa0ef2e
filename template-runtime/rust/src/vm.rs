// Owned by the template: `copier update` may rewrite it, do not edit.

//! TVM's virtual machine for one component: how it is opened and what it returns.

use std::ffi::CString;

use crate::error::{Error, Result};
use crate::metadata::Component;
use crate::object::{self, Object, Value, call};
use crate::sys;
use crate::tensor::Tensor;

/// Kind of allocator that `vm_initialization` takes: pooled, memory is reused by later calls.
const POOLED: i64 = 2;

/// A virtual machine loaded with one component, and the function to call.
///
/// All functions of a component are looked up while it is opened (`InitFuncPool` in TVM's
/// `vm.cc`), so a library that is loaded later cannot change what an open one runs.
#[derive(Debug)]
pub(crate) struct Vm {
    /// The function holds a reference to its virtual machine.
    function: Object,
    /// Calls change the virtual machine's registers: `Send`, but not `Sync`.
    _not_sync: std::marker::PhantomData<std::cell::Cell<()>>,
}

impl Vm {
    /// Loads a component from the runtime's table of system libraries.
    pub(crate) fn open(component: &Component) -> Result<Self> {
        let not_registered = || Error::NotRegistered { prefix: component.prefix.clone() };
        let prefix = c_string(&component.prefix)?;
        let system_lib = required("ffi.SystemLib")?;
        // SAFETY: takes one text.
        let module = unsafe { call(&system_lib, &mut [object::text(&prefix)]) }?
            .into_object()
            .ok_or_else(not_registered)?;
        let load = function_of(&module, "vm_load_executable")?.ok_or_else(not_registered)?;
        // SAFETY: takes nothing.
        let vm = unsafe { call(&load, &mut []) }?.into_object().ok_or_else(not_registered)?;

        let init = member(&vm, "vm_initialization")?;
        let cpu = [object::int(sys::DEVICE_CPU.into()), object::int(0), object::int(POOLED)];
        // SAFETY: takes triples of device type, device number and kind of allocator.
        unsafe { call(&init, &mut { cpu }) }?;

        let name = c_string(&component.function)?;
        let arity = member(&vm, "get_function_arity")?;
        // SAFETY: takes one text.
        let arity = unsafe { call(&arity, &mut [object::text(&name)]) }?.as_int();
        if arity != Some(component.inputs.len() as i64) {
            return Err(Error::metadata(format!(
                "function `{}` of component `{}` takes {} inputs, but the metadata lists {}",
                component.function,
                component.name,
                arity.unwrap_or(-1),
                component.inputs.len()
            )));
        }
        let function = member(&vm, &component.function)?;
        Ok(Self { function, _not_sync: std::marker::PhantomData })
    }

    pub(crate) fn function(&self) -> &Object {
        &self.function
    }
}

/// Appends the tensors of a result to `tensors`: one tensor, or tuples of them.
pub(crate) fn flatten(result: Value, tensors: &mut Vec<Tensor>) -> Result<()> {
    let object = result.into_object().ok_or_else(|| {
        Error::metadata("the component returned a plain value instead of a tensor")
    })?;
    flatten_object(object, tensors)
}

fn flatten_object(object: Object, tensors: &mut Vec<Tensor>) -> Result<()> {
    if object.type_index() != sys::ARRAY {
        tensors.push(Tensor::from_object(object)?);
        return Ok(());
    }
    // SAFETY: an array object is its header followed by a SeqCell.
    let cell = unsafe { object.body::<sys::SeqCell>() };
    // SAFETY: the first `size` entries are valid and live as long as the array.
    let items = unsafe { crate::tensor::slice(cell.data.cast_const(), cell.size as usize) };
    for item in items {
        if item.type_index < sys::STATIC_OBJECT_BEGIN {
            return Err(Error::metadata("the component returned a plain value in a tuple"));
        }
        // SAFETY: the array owns a reference to the item; taking another one makes it ours too.
        let item = unsafe {
            sys::TVMFFIObjectIncRef(item.value.object.cast());
            Object::from_owned(item.value.object.cast())
        };
        flatten_object(item.expect("objects are not null"), tensors)?;
    }
    Ok(())
}

pub(crate) fn required(name: &str) -> Result<Object> {
    object::global(name)?.ok_or_else(|| Error::Runtime {
        kind: "LookupError".into(),
        message: format!("the TVM runtime that is loaded has no function `{name}`"),
    })
}

fn function_of(module: &Object, name: &str) -> Result<Option<Object>> {
    if module.type_index() != sys::MODULE {
        return Err(Error::metadata("TVM returned something that is not a module"));
    }
    let get = required("ffi.ModuleGetFunction")?;
    let name = c_string(name)?;
    let mut args = [module.as_any(), object::text(&name), object::boolean(true)];
    // SAFETY: takes a module, a text and a truth value.
    Ok(unsafe { call(&get, &mut args) }?.into_object())
}

fn member(vm: &Object, name: &str) -> Result<Object> {
    function_of(vm, name)?
        .ok_or_else(|| Error::metadata(format!("the compiled library has no function `{name}`")))
}

pub(crate) fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::metadata(format!("`{text:?}` holds a zero byte")))
}
