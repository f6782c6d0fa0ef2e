// Owned by the template: `copier update` may rewrite it, do not edit.

//! What the compiler wrote about a plugin: `system_lib.json`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::dtype::DType;
use crate::error::{Error, Result};

/// The `format` number that this crate reads.
pub const FORMAT: u32 = 1;

/// A plugin's compiled components and what they were compiled with.
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    /// Version of the file's format.
    pub format: u32,
    /// The plugin's name.
    pub plugin: String,
    /// The prefix of all its compiled functions.
    pub prefix: String,
    /// SHA-256 of the system library, in hexadecimal.
    pub archive_sha256: String,
    /// The target it was compiled for, such as `linux-x64`.
    pub target: String,
    /// Version of the `apache-tvm` wheel that compiled it.
    pub tvm: String,
    /// Version of the `apache-tvm-ffi` wheel that compiled it.
    pub tvm_ffi: String,
    /// Its components.
    pub components: Vec<Component>,
}

/// One compiled function of a plugin.
#[derive(Clone, Debug, Deserialize)]
pub struct Component {
    /// The component's name.
    pub name: String,
    /// The prefix of its compiled functions: the plugin's, the name, `_`.
    pub prefix: String,
    /// The function to call.
    pub function: String,
    /// Inputs in the order of the function's parameters.
    pub inputs: Vec<TensorSpec>,
    /// Outputs in the order in which the function returns them.
    pub outputs: Vec<TensorSpec>,
    /// Bounds of the dynamic dimensions.
    #[serde(default)]
    pub dims: BTreeMap<String, Bounds>,
    /// Whether its kernels use TVM's pool of workers; where nothing was said, they may.
    #[serde(default = "yes")]
    pub parallel: bool,
    /// Relative tolerance of its golden tests.
    #[serde(default)]
    pub rtol: f64,
    /// Absolute tolerance of its golden tests.
    #[serde(default)]
    pub atol: f64,
    /// What the author's export script noted of how it was made, by topic.
    #[serde(default)]
    pub notes: BTreeMap<String, String>,
}

const fn yes() -> bool {
    true
}

/// Name, element type and shape of an input or output.
#[derive(Clone, Debug, Deserialize)]
pub struct TensorSpec {
    /// Its name.
    pub name: String,
    /// Type of its elements.
    pub dtype: DType,
    /// Its dimensions.
    pub shape: Vec<Extent>,
    /// For an index input: the lowest value allowed, and one more than the highest.
    #[serde(default)]
    pub range: Option<(i64, i64)>,
}

/// One dimension of a shape.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Extent {
    /// Known when the component was compiled.
    Fixed(i64),
    /// Known when it runs; the same name means the same extent in all of a call's tensors.
    Dynamic(String),
}

/// Lowest and highest extent of a dynamic dimension, both allowed.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Bounds {
    /// Lowest extent.
    pub min: i64,
    /// Highest extent.
    pub max: i64,
}

impl Metadata {
    /// Reads and checks the text of a `system_lib.json`.
    ///
    /// # Errors
    /// [`Error::Metadata`] if it is not JSON, of another format, or contradicts itself.
    pub fn from_json(json: &str) -> Result<Self> {
        let metadata: Self = serde_json::from_str(json)
            .map_err(|error| Error::metadata(format!("system_lib.json cannot be read: {error}")))?;
        metadata.check()?;
        Ok(metadata)
    }

    /// The component of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is none.
    pub fn component(&self, name: &str) -> Result<&Component> {
        self.components.iter().find(|component| component.name == name).ok_or_else(|| {
            Error::Unknown {
                what: "component",
                name: name.into(),
                known: self.components.iter().map(|component| component.name.clone()).collect(),
            }
        })
    }

    fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::metadata(format!("system_lib.json: {what}")));
        if self.format != FORMAT {
            return refuse(format!("format {} is not {FORMAT}", self.format));
        }
        for component in &self.components {
            let expected = format!("{}{}_", self.prefix, component.name);
            if component.prefix != expected {
                return refuse(format!(
                    "component `{}` has prefix `{}` instead of `{expected}`",
                    component.name, component.prefix
                ));
            }
            for input in &component.inputs {
                for extent in &input.shape {
                    match extent {
                        Extent::Dynamic(dim) if !component.dims.contains_key(dim) => {
                            return refuse(format!("dimension `{dim}` has no bounds"));
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }
}

impl TensorSpec {
    /// The shape as text, such as `[1, n]`.
    #[must_use]
    pub fn shape_text(&self) -> String {
        let extents: Vec<_> = self.shape.iter().map(ToString::to_string).collect();
        format!("[{}]", extents.join(", "))
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(extent) => write!(f, "{extent}"),
            Self::Dynamic(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_component(component: &str) -> Result<Metadata> {
        Metadata::from_json(&format!(
            r#"{{"format": 1, "plugin": "p", "prefix": "p_", "archive": "libp.a",
                "archive_sha256": "", "target": "linux-x64", "tvm_target": {{"kind": "llvm"}},
                "tvm": "1", "tvm_ffi": "1", "source_sha256": "", "components": [{component}]}}"#
        ))
    }

    #[test]
    fn fields_of_no_use_here_are_skipped() {
        assert!(with_component("").unwrap().components.is_empty());
    }

    #[test]
    fn a_dynamic_input_without_bounds_is_refused() {
        let error = with_component(
            r#"{"name": "c", "prefix": "p_c_", "function": "main", "outputs": [],
                "inputs": [{"name": "x", "dtype": "float32", "shape": [1, "n"]}]}"#,
        );
        assert!(error.unwrap_err().to_string().contains("dimension `n` has no bounds"));
    }

    #[test]
    fn notes_are_read_and_may_be_absent() {
        let component = |more: &str| {
            let start = r#"{"name": "c", "prefix": "p_c_", "function": "main""#;
            with_component(&format!(r#"{start}, "inputs": [], "outputs": []{more}}}"#)).unwrap()
        };
        assert!(component("").components[0].notes.is_empty());
        let noted = component(r#", "notes": {"weights": "random"}"#);
        assert_eq!(noted.components[0].notes["weights"], "random");
    }

    #[test]
    fn an_element_type_that_tensors_cannot_have_is_refused() {
        let error = with_component(
            r#"{"name": "c", "prefix": "p_c_", "function": "main", "outputs": [],
                "inputs": [{"name": "x", "dtype": "complex64", "shape": []}]}"#,
        );
        assert!(error.unwrap_err().to_string().contains("unknown dtype `complex64`"));
    }

    #[test]
    fn shapes_read_as_they_are_written() {
        let shape = vec![Extent::Fixed(1), Extent::Dynamic("n".into())];
        let spec = TensorSpec { name: "x".into(), dtype: DType::Int8, shape, range: None };
        assert_eq!(spec.shape_text(), "[1, n]");
    }
}
