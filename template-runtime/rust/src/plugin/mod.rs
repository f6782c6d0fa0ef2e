// Owned by the template: `copier update` may rewrite it, do not edit.

//! What a plugin exports: its model's methods and its components, as a C interface.

pub mod abi;
pub mod convert;
pub mod exports;
mod guard;
mod macros;
pub mod mailbox;
pub mod methods;
pub mod value;
