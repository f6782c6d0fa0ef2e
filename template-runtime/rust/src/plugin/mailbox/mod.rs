// Owned by the template: `copier update` may rewrite it, do not edit.

//! Mailboxes: what lets an isolate of Dart be killed at any moment, even in the middle of a call.
//!
//! An isolate that ends without warning runs its finalizers and nothing else. So all that it uses
//! lies here and is known by numbers: a finalizer is attached to a number that stands for nothing
//! yet, and only then is something put under it. What a number stands for goes with its holder, and
//! a number that stands for nothing, or no longer, is an error or nothing to do, never a crash.

pub mod exports;
mod line;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{Error, Result};
use crate::plugin::abi;
use crate::plugin::convert;
use crate::tensor::Tensor;
use crate::threads::Threads;
use line::Line;
pub(crate) use line::{Callee, Component, ModelCallee};

/// An open model or component, shared by those who hold it.
#[derive(Default)]
struct Mailbox {
    line: OnceLock<Line>,
    /// Tickets that go with the mailbox.
    tickets: Mutex<Vec<usize>>,
}

/// One isolate's hold on a mailbox.
struct Holder {
    mailbox: Arc<Mailbox>,
    own: Mutex<Own>,
}

/// What a holder was lent: it goes with the hold.
struct Own {
    scratch: Vec<u64>,
    result: abi::Value,
}

// SAFETY: the pointers in a result lead to memory that nobody else refers to.
unsafe impl Send for Own {}

impl Drop for Own {
    fn drop(&mut self) {
        // SAFETY: `call` put it there and nobody else frees it.
        unsafe { convert::free(self.result) };
    }
}

/// What the numbers of this plugin stand for.
#[derive(Default)]
struct Table {
    holders: HashMap<usize, Arc<Holder>>,
    tensors: HashMap<usize, Tensor>,
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);
static LAST: AtomicUsize = AtomicUsize::new(0);

/// No code of a model's runs under the lock, so a panic leaves nothing half done.
fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that none of this plugin's mailboxes and tickets has had.
pub(crate) fn number() -> usize {
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Makes a mailbox, held by `number`.
pub(crate) fn open(number: usize) -> Result<()> {
    hold(number, Arc::default())
}

/// Makes `number` another holder of the mailbox that `other` holds.
pub(crate) fn join(number: usize, other: usize) -> Result<()> {
    hold(number, Arc::clone(&holder(other)?.mailbox))
}

fn hold(number: usize, mailbox: Arc<Mailbox>) -> Result<()> {
    let own = Mutex::new(Own { scratch: Vec::new(), result: abi::Value::NULL });
    let holder = Arc::new(Holder { mailbox, own });
    match table().holders.entry(number) {
        Entry::Vacant(place) if number > 0 => {
            place.insert(holder);
            Ok(())
        }
        _ => Err(Error::invalid(format!("{number} cannot be the number of a new holder"))),
    }
}

/// Ends a hold; with the last one go the mailbox, its tickets and, after the call that is running,
/// its model. A number that holds nothing is nothing to do.
pub(crate) fn close(number: usize) {
    let holder = table().holders.remove(&number);
    // Outside the lock: the end of a mailbox takes it again.
    drop(holder);
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let tickets = self.tickets.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut table = table();
        let remove = |ticket| table.tensors.remove(ticket);
        let gone: Vec<Tensor> = tickets.iter().filter_map(remove).collect();
        drop(table);
        drop(gone);
    }
}

impl Mailbox {
    /// Takes a tensor in; the ticket goes with the mailbox, unless it is kept.
    fn put(&self, tensor: Tensor) -> usize {
        let ticket = number();
        table().tensors.insert(ticket, tensor);
        let mut tickets = self.tickets();
        if tickets.len() == tickets.capacity() {
            // Those that were freed are forgotten now and then, rather than looked for each time.
            let table = table();
            tickets.retain(|ticket| table.tensors.contains_key(ticket));
            let live = tickets.len();
            tickets.reserve(live + 1);
        }
        tickets.push(ticket);
        ticket
    }

    fn tickets(&self) -> MutexGuard<'_, Vec<usize>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn holder(number: usize) -> Result<Arc<Holder>> {
    let found = table().holders.get(&number).map(Arc::clone);
    found.ok_or_else(|| Error::invalid(format!("{number} holds no mailbox")))
}

impl Holder {
    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Words of scratch memory that a holder keeps from call to call: 64 KiB.
const KEPT: usize = 8192;

/// Memory of the holder's own, of at least `bytes` bytes, on an 8-byte boundary.
pub(crate) fn scratch(number: usize, bytes: usize) -> Option<NonNull<u64>> {
    let holder = holder(number).ok()?;
    let mut own = holder.own();
    let words = bytes.div_ceil(size_of::<u64>());
    // What one large call needed is not kept for the small ones after it.
    if !(words..=words.max(KEPT)).contains(&own.scratch.len()) {
        let mut scratch = Vec::new();
        scratch.try_reserve_exact(words).ok()?;
        scratch.resize(words, 0);
        own.scratch = scratch;
    }
    NonNull::new(own.scratch.as_mut_ptr())
}

/// Opens the callee, on a thread of the mailbox's own if its kernels use `threads`. Once.
pub(crate) fn start(
    number: usize,
    threads: Option<Threads>,
    open: impl FnOnce() -> Result<Box<dyn Callee>> + Send + 'static,
) -> Result<()> {
    let mailbox = Arc::clone(&holder(number)?.mailbox);
    let line = Line::open(threads, open)?;
    mailbox.line.set(line).map_err(|_| Error::invalid("the mailbox was started before"))
}

/// Calls the callee, and waits. The result is the holder's.
///
/// # Safety
/// `values` points to `count` valid values, which stay valid until the call returns.
pub(crate) unsafe fn call(
    number: usize,
    method: &str,
    values: *const abi::Value,
    count: usize,
) -> Result<*const abi::Value> {
    let holder = holder(number)?;
    let mailbox = &holder.mailbox;
    let line = mailbox.line.get().ok_or_else(|| Error::invalid("the mailbox was not started"))?;
    // SAFETY: by contract.
    let tensors = unsafe { convert::tickets(values, count) }?;
    let tensors = tensors.into_iter().map(|ticket| Ok((ticket, tensor(ticket)?)));
    let tensors = tensors.collect::<Result<convert::Tensors>>()?;
    // SAFETY: by contract, and this call returns when the line is done with them.
    let result = unsafe { line.call(method, values, count, tensors) }?;
    let result = convert::give(result, &mut |tensor| {
        (abi::TICKET, abi::Payload { integer: mailbox.put(tensor) as i64 })
    });
    let mut own = holder.own();
    // SAFETY: the last result is the holder's, and its time ends with this call.
    unsafe { convert::free(std::mem::replace(&mut own.result, result)) };
    Ok(&raw const own.result)
}

/// Puts a tensor into the mailbox; its ticket.
pub(crate) fn put(number: usize, tensor: Tensor) -> Result<usize> {
    Ok(holder(number)?.mailbox.put(tensor))
}

/// Another handle to a ticket's tensor.
pub(crate) fn tensor(ticket: usize) -> Result<Tensor> {
    view(ticket, Clone::clone)
}

/// Looks at a ticket's tensor, without a second handle to it.
pub(crate) fn view<T>(ticket: usize, look: impl FnOnce(&Tensor) -> T) -> Result<T> {
    let found = table().tensors.get(&ticket).map(look);
    found.ok_or_else(|| Error::invalid(format!("there is no tensor under the ticket {ticket}")))
}

/// Lets a ticket outlive the mailbox.
pub(crate) fn keep(number: usize, ticket: usize) -> Result<()> {
    let mailbox = Arc::clone(&holder(number)?.mailbox);
    let mut tickets = mailbox.tickets();
    let position = tickets.iter().position(|held| *held == ticket);
    let position = position
        .ok_or_else(|| Error::invalid(format!("ticket {ticket} does not go with the mailbox")))?;
    tickets.swap_remove(position);
    Ok(())
}

/// Frees a ticket; one that stands for nothing is nothing to do.
pub(crate) fn free(ticket: usize) {
    let tensor = table().tensors.remove(&ticket);
    drop(tensor);
}

/// How many holders, tensors and open callees there are: what tests look at for leaks.
pub(crate) fn held() -> (usize, usize, usize) {
    let table = table();
    (table.holders.len(), table.tensors.len(), line::open_callees())
}
