// Owned by the template: `copier update` may rewrite it, do not edit.

//! The thread of a mailbox: it opens a model or a component, calls it, and closes it.
//!
//! One thread for all calls, since TVM keeps a pool of workers per thread that calls it
//! (`ThreadPool::ThreadLocal` in its `thread_pool.cc`), while an isolate moves between threads that
//! end when they are idle: each move would start a pool, and each end would stop one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::error::{Error, Result};
use crate::plugin::abi;
use crate::plugin::convert::{self, Tensors};
use crate::plugin::guard::panic_message;
use crate::plugin::methods::Model;
use crate::plugin::value::{Arg, Value};
use crate::session::Session;
use crate::tensor::Tensor;

/// What a mailbox calls.
pub(crate) trait Callee {
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

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// How many threads have an open callee.
pub(super) fn running() -> usize {
    RUNNING.load(Ordering::Acquire)
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

/// The way to the thread, which ends when this is dropped.
pub(super) struct Line(Sender<Request>);

impl Line {
    /// Starts a thread that opens a callee, and waits until it has.
    pub(super) fn open(
        open: impl FnOnce() -> Result<Box<dyn Callee>> + Send + 'static,
    ) -> Result<Self> {
        let (requests, inbox) = channel();
        let (opened, outcome) = sync_channel(1);
        let work = move || match guarded(open) {
            Ok(mut callee) => {
                RUNNING.fetch_add(1, Ordering::AcqRel);
                if opened.send(Ok(())).is_ok() {
                    serve(callee.as_mut(), &inbox);
                }
                let _ = catch_unwind(AssertUnwindSafe(|| drop(callee)));
                RUNNING.fetch_sub(1, Ordering::AcqRel);
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let thread = thread::Builder::new().name("tvm model".into()).spawn(work);
        thread.map_err(|reason| Error::invalid(format!("no thread for the model: {reason}")))?;
        outcome.recv().unwrap_or_else(|_| Err(gone()))?;
        Ok(Self(requests))
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
        let (answer, outcome) = sync_channel(1);
        let request = Request { method, values, count, tensors, answer };
        self.0.send(request).map_err(|_| gone())?;
        // Returns when the request is answered or dropped, and not before.
        outcome.recv().unwrap_or_else(|_| Err(gone()))
    }
}

fn serve(callee: &mut dyn Callee, inbox: &Receiver<Request>) {
    let mut panicked = false;
    while let Ok(request) = inbox.recv() {
        let Request { method, values, count, tensors, answer } = request;
        let result = guarded(|| {
            if panicked {
                return Err(Error::Panicked {
                    message: "in an earlier call on this handle".into(),
                });
            }
            // SAFETY: see `Request`.
            let (method, args) = unsafe { (&*method, convert::args(values, count, &tensors)?) };
            callee.call(method, &args)
        });
        panicked |= matches!(result, Err(Error::Panicked { .. }));
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
