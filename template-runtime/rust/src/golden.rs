// Owned by the template: `copier update` may rewrite it, do not edit.

//! The golden test: a compiled model against recorded outputs of the original one.
//!
//! `tvmplug compile` records the cases in `model/golden/COMPONENT/CASE.safetensors`, with the keys
//! `in.NAME` and `out.NAME`. Only the feature `golden` compiles this module.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

use crate::dtype::DType;
use crate::library::Library;
use crate::metadata::Component;
use crate::session::Session;
use crate::tensor::Tensor;

/// Most failures listed in one message.
const LISTED: usize = 20;

/// Runs every recorded case of every component of `library`.
///
/// An output passes if its shape and type are those recorded and each element is within
/// `atol + rtol * |recorded|` of the recorded one, with the component's tolerances; NaN only equals
/// NaN.
///
/// # Errors
/// A message of one line per failure: component, case, output, worst element, and what it should
/// be. A component without cases is a failure.
pub fn check(library: &'static Library, cases: &Path) -> Result<(), String> {
    let metadata = library.metadata().map_err(|error| error.to_string())?;
    let mut failures = Vec::new();
    for component in &metadata.components {
        check_component(library, component, &cases.join(&component.name), &mut failures);
    }
    if failures.is_empty() {
        return Ok(());
    }
    let mut message = format!("{} golden checks failed", failures.len());
    for failure in failures.iter().take(LISTED) {
        write!(message, "\n  {failure}").expect("writing to a String cannot fail");
    }
    Err(message)
}

fn check_component(
    library: &'static Library,
    component: &Component,
    folder: &Path,
    failures: &mut Vec<String>,
) {
    let name = &component.name;
    let cases = files(folder);
    if cases.is_empty() {
        failures.push(format!(
            "component `{name}` has no golden case in {}: run `tvmplug compile --update-golden`",
            folder.display()
        ));
        return;
    }
    let mut session = match library.session(name) {
        Ok(session) => session,
        Err(error) => return failures.push(format!("component `{name}`: {error}")),
    };
    for case in cases {
        let label = case.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let Err(failure) = check_case(&mut session, component, &case) {
            failures.push(format!("component `{name}`, case `{label}`, {failure}"));
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .collect();
    files.sort();
    files
}

fn check_case(session: &mut Session, component: &Component, case: &Path) -> Result<(), String> {
    let bytes = fs::read(case).map_err(|error| format!("file cannot be read: {error}"))?;
    let recorded = SafeTensors::deserialize(&bytes).map_err(|error| format!("file: {error}"))?;
    let read = |key: &str| {
        let view = recorded.tensor(key).map_err(|_| format!("has no `{key}` in its file"))?;
        tensor(view.dtype(), view.shape(), view.data()).map_err(|why| format!("`{key}`: {why}"))
    };
    let mut inputs = Vec::with_capacity(component.inputs.len());
    for spec in &component.inputs {
        inputs.push((spec.name.as_str(), read(&format!("in.{}", spec.name))?));
    }
    let named: Vec<_> = inputs.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let outputs = session.run(&named).map_err(|error| error.to_string())?;
    for (name, got) in outputs.iter() {
        let want = read(&format!("out.{name}"))?;
        compare(got, &want, component.rtol, component.atol)
            .map_err(|difference| format!("output `{name}`: {difference}"))?;
    }
    Ok(())
}

fn tensor(dtype: Dtype, shape: &[usize], data: &[u8]) -> Result<Tensor, String> {
    let dtype = match dtype {
        Dtype::BOOL => DType::Bool,
        Dtype::I8 => DType::Int8,
        Dtype::I16 => DType::Int16,
        Dtype::I32 => DType::Int32,
        Dtype::I64 => DType::Int64,
        Dtype::U8 => DType::UInt8,
        Dtype::U16 => DType::UInt16,
        Dtype::U32 => DType::UInt32,
        Dtype::U64 => DType::UInt64,
        Dtype::F16 => DType::Float16,
        Dtype::BF16 => DType::BFloat16,
        Dtype::F32 => DType::Float32,
        Dtype::F64 => DType::Float64,
        other => return Err(format!("element type {other:?} is not supported")),
    };
    let shape: Vec<i64> = shape.iter().map(|&extent| extent as i64).collect();
    let mut tensor = Tensor::zeros_of(dtype, &shape).map_err(|error| error.to_string())?;
    tensor.as_bytes_mut().map_err(|error| error.to_string())?.copy_from_slice(data);
    Ok(tensor)
}

/// The element that is furthest out of tolerance, if one is.
fn compare(got: &Tensor, want: &Tensor, rtol: f64, atol: f64) -> Result<(), String> {
    if (got.dtype(), got.shape()) != (want.dtype(), want.shape()) {
        return Err(format!("got {got:?}, want {want:?}"));
    }
    let pairs = numbers(got).into_iter().zip(numbers(want)).enumerate();
    let mut worst = None;
    let mut largest = 0.0;
    let mut wrong = 0;
    for (position, (got, want)) in pairs {
        let same = got == want || (got.is_nan() && want.is_nan());
        let excess = (got - want).abs() - (atol + rtol * want.abs());
        if same || excess <= 0.0 {
            continue;
        }
        wrong += 1;
        // A difference that is no number is as far out as can be.
        let excess = if excess.is_nan() { f64::INFINITY } else { excess };
        if excess > largest {
            largest = excess;
            worst = Some((position, got, want));
        }
    }
    let Some((position, got, wanted)) = worst else { return Ok(()) };
    Err(format!(
        "{wrong} of {} elements differ; worst at {:?}: got {got}, want {wanted} \
         (rtol {rtol}, atol {atol})",
        want.len(),
        index(position, want.shape()),
    ))
}

/// The position in row-major order as one index per dimension.
fn index(mut position: usize, shape: &[i64]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&extent| {
            let along = position % extent as usize;
            position /= extent as usize;
            along
        })
        .collect();
    index.reverse();
    index
}

/// The elements as numbers for comparison; 64-bit integers lose digits beyond 2^53.
fn numbers(tensor: &Tensor) -> Vec<f64> {
    macro_rules! read {
        ($type:ty, $convert:expr) => {
            tensor
                .as_bytes()
                .chunks_exact(size_of::<$type>())
                .map(|word| <$type>::from_ne_bytes(word.try_into().expect("of the type's size")))
                .map($convert)
                .collect()
        };
    }
    match tensor.dtype() {
        DType::Bool | DType::UInt8 => read!(u8, f64::from),
        DType::Int8 => read!(i8, f64::from),
        DType::Int16 => read!(i16, f64::from),
        DType::Int32 => read!(i32, f64::from),
        DType::Int64 => read!(i64, |value| value as f64),
        DType::UInt16 => read!(u16, f64::from),
        DType::UInt32 => read!(u32, f64::from),
        DType::UInt64 => read!(u64, |value| value as f64),
        DType::Float16 => read!(u16, half),
        DType::BFloat16 => read!(u16, |bits| f64::from(f32::from_bits(u32::from(bits) << 16))),
        DType::Float32 => read!(f32, f64::from),
        DType::Float64 => read!(f64, |value| value),
    }
}

/// An IEEE half-precision number from its bits.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2f64.powi(-14),
        0x1f if fraction == 0.0 => sign * f64::INFINITY,
        0x1f => f64::NAN,
        exponent => sign * (1.0 + fraction) * 2f64.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f32]) -> Tensor {
        Tensor::from_slice(&[2, values.len() as i64 / 2], values).unwrap()
    }

    #[test]
    fn a_failure_names_the_worst_element() {
        let want = floats(&[1.0, 2.0, 3.0, 4.0]);
        let got = floats(&[1.0, 2.1, 3.0, 4.5]);
        let message = compare(&got, &want, 1e-4, 1e-5).unwrap_err();
        assert!(message.starts_with("2 of 4 elements differ; worst at [1, 1]: got 4.5, want 4"));
    }

    #[test]
    fn tolerances_are_those_of_numpy() {
        let want = floats(&[100.0, 0.0]);
        assert!(compare(&floats(&[100.009, 0.000_009]), &want, 1e-4, 1e-5).is_ok());
        assert!(compare(&floats(&[100.011, 0.0]), &want, 1e-4, 1e-5).is_err());
        assert!(compare(&floats(&[100.0, 0.000_011]), &want, 1e-4, 1e-5).is_err());
    }

    #[test]
    fn nan_equals_nan_only() {
        let nan = floats(&[f32::NAN, 1.0]);
        assert!(compare(&nan, &nan, 0.0, 0.0).is_ok());
        assert!(compare(&floats(&[1.0, 1.0]), &nan, 1.0, 1.0).is_err());
        assert!(compare(&nan, &floats(&[1.0, 1.0]), 1.0, 1.0).is_err());
    }

    #[test]
    fn infinities_of_one_sign_are_equal() {
        let infinite = floats(&[f32::INFINITY, 1.0]);
        assert!(compare(&infinite, &infinite, 1e-4, 1e-5).is_ok());
        assert!(compare(&floats(&[f32::NEG_INFINITY, 1.0]), &infinite, 1e-4, 1e-5).is_err());
        assert!(compare(&floats(&[7.0, 1.0]), &infinite, 1e-4, 1e-5).is_err());
    }

    #[test]
    fn another_shape_is_a_failure() {
        assert!(compare(&floats(&[1.0, 1.0]), &floats(&[1.0; 4]), 1.0, 1.0).is_err());
    }

    #[test]
    fn half_precision_is_read_by_its_bits() {
        assert_eq!(half(0x3c00), 1.0);
        assert_eq!(half(0xc500), -5.0);
        assert_eq!(half(0x0001), 2f64.powi(-24));
        assert_eq!(half(0x7c00), f64::INFINITY);
        assert!(half(0x7e00).is_nan());
    }
}
