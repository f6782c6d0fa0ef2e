// Owned by the template: `copier update` may rewrite it, do not edit.

//! Where a mailbox opens a model or a component, calls it, and closes it.
//!
//! Kernels that run in parallel are called on one thread of the mailbox's own, since TVM keeps a pool
//! of workers per thread that calls it (`ThreadPool::ThreadLocal` in its `thread_pool.cc`), while an
//! isolate moves between threads that end when they are idle: each move would start a pool, and each
//! end would stop one. Other kernels run on the thread that calls, which saves waking two threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::error::{Error, Result};
use crate::plugin::abi;
use crate::plugin::convert::{self, Tensors};
use crate::plugin::guard::panic_message;
use crate::plugin::methods::Model;
use crate::plugin::value::{Arg, Value};
use crate::session::Session;
use crate::tensor::Tensor;
use crate::threads::Threads;

/// What a mailbox calls.
pub(crate) trait Callee: Send {
    fn call(&mut self, method: &str, args: &[Arg<'_>]) -> Result<Value>;
}

/// A model: its methods.
pub(crate) struct ModelCallee<M>(pub(crate) M);

impl<M: Model> Callee for ModelCallee<M> {
    fn call(&mut self, method: &str, args: &[Arg<'_>]) -> Result<Value> {
        self.0.call(method, args)
    }
}

/// A component: names and tensors in turn, and its outputs in the order of the metadata.
pub(crate) struct Component(pub(crate) Session);

impl Callee for Component {
    fn call(&mut self, _method: &str, args: &[Arg<'_>]) -> Result<Value> {
        let inputs = args.chunks(2).map(input).collect::<Result<Vec<_>>>()?;
        let outputs = self.0.run(&inputs)?.into_tensors();
        Ok(Value::List(outputs.into_iter().map(Value::Tensor).collect()))
    }
}

fn input<'a>(pair: &[Arg<'a>]) -> Result<(&'a str, &'a Tensor)> {
    match pair {
        [Arg::String(name), Arg::Tensor(tensor)] => Ok((name, tensor)),
        _ => Err(Error::invalid("a component takes names and tensors in turn")),
    }
}

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// How many callees are open.
pub(super) fn open_callees() -> usize {
    OPEN.load(Ordering::Acquire)
}

/// An open callee and what became of it.
struct Serving {
    callee: Option<Box<dyn Callee>>,
    panicked: bool,
}

impl Serving {
    fn open(open: impl FnOnce() -> Result<Box<dyn Callee>>) -> Result<Self> {
        let callee = Some(guarded(open)?);
        OPEN.fetch_add(1, Ordering::AcqRel);
        Ok(Self { callee, panicked: false })
    }

    /// # Safety
    /// `values` points to `count` valid values, which stay valid until the call returns.
    unsafe fn call(
        &mut self,
        method: &str,
        values: *const abi::Value,
        count: usize,
        tensors: &Tensors,
    ) -> Result<Value> {
        let result = guarded(|| {
            let callee = self.callee.as_mut().filter(|_| !self.panicked);
            let callee = callee.ok_or_else(|| Error::Panicked {
                message: "in an earlier call on this handle".into(),
            })?;
            // SAFETY: by contract.
            let args = unsafe { convert::args(values, count, tensors) }?;
            callee.call(method, &args)
        });
        self.panicked |= matches!(result, Err(Error::Panicked { .. }));
        result
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let callee = self.callee.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(callee)));
        OPEN.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One call, on its way to the thread.
struct Request {
    method: *const str,
    values: *const abi::Value,
    count: usize,
    tensors: Tensors,
    answer: SyncSender<Result<Value>>,
}

// SAFETY: who sends a request waits until it is answered or dropped, so that what it points to is
// valid on the thread and used there only.
unsafe impl Send for Request {}

/// The way to an open callee, which is closed when this is dropped.
pub(super) struct Line(Way);

enum Way {
    /// On a thread of its own.
    Thread(Sender<Request>),
    /// On whichever thread calls, one at a time.
    Caller(Mutex<Serving>),
}

impl Line {
    /// Opens a callee, on a thread of its own if its kernels use `threads`, and waits for it.
    pub(super) fn open(
        threads: Option<Threads>,
        open: impl FnOnce() -> Result<Box<dyn Callee>> + Send + 'static,
    ) -> Result<Self> {
        let Some(threads) = threads else {
            return Ok(Self(Way::Caller(Mutex::new(Serving::open(open)?))));
        };
        let (requests, inbox) = channel();
        let (opened, outcome) = sync_channel(1);
        let work = move || match Serving::open(|| threads.apply().and_then(|()| open())) {
            Ok(serving) => {
                if opened.send(Ok(())).is_ok() {
                    serve(serving, &inbox);
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let thread = thread::Builder::new().name("tvm model".into()).spawn(work);
        thread.map_err(|reason| Error::invalid(format!("no thread for the model: {reason}")))?;
        outcome.recv().unwrap_or_else(|_| Err(gone()))?;
        Ok(Self(Way::Thread(requests)))
    }

    /// # Safety
    /// `values` points to `count` valid values, which stay valid until the call returns.
    pub(super) unsafe fn call(
        &self,
        method: &str,
        values: *const abi::Value,
        count: usize,
        tensors: Tensors,
    ) -> Result<Value> {
        match &self.0 {
            Way::Thread(requests) => {
                let (answer, outcome) = sync_channel(1);
                let request = Request { method, values, count, tensors, answer };
                requests.send(request).map_err(|_| gone())?;
                // Returns when the request is answered or dropped, and not before.
                outcome.recv().unwrap_or_else(|_| Err(gone()))
            }
            Way::Caller(serving) => {
                let mut serving = serving.lock().unwrap_or_else(PoisonError::into_inner);
                // SAFETY: by contract.
                unsafe { serving.call(method, values, count, &tensors) }
            }
        }
    }
}

fn serve(mut serving: Serving, inbox: &Receiver<Request>) {
    while let Ok(request) = inbox.recv() {
        let Request { method, values, count, tensors, answer } = request;
        // SAFETY: see `Request`.
        let result = unsafe { serving.call(&*method, values, count, &tensors) };
        // Before the answer: who gets it may write to a tensor that no other handle shares.
        drop(tensors);
        let _ = answer.send(result);
    }
}

fn guarded<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|panic| Err(Error::Panicked { message: panic_message(&*panic) }))
}

fn gone() -> Error {
    Error::Panicked { message: "its thread has ended".into() }
}
