// Owned by you: written once, an update never touches it.

//! Voice activity detection: how likely each 32 ms of sound is speech, and where speech lies.
//!
//! Sound is one channel at 16 kHz, samples from -1 to 1.

mod segments;

use tvm_runtime_flutter::{Error, Input, Library, Result, Session, Tensor, methods};

pub use segments::{Options, Segment, segments};

/// Samples per second.
pub const RATE: usize = 16_000;
/// Samples in one chunk, the network's step: 32 ms.
pub const CHUNK: usize = 512;
/// Samples of the previous chunk that the network sees again.
const CONTEXT: usize = 64;
const WINDOW: usize = CONTEXT + CHUNK;
const STATE: [i64; 3] = [2, 1, 128];

/// The opened detector, and one stream of sound.
pub struct Model {
    step: Session,
    stream: Stream,
}

impl tvm_runtime_flutter::Model for Model {
    fn open(library: &'static Library) -> Result<Self> {
        Ok(Self { step: library.session("step")?, stream: Stream::new()? })
    }
}

methods! {
    impl Model {
        fn process(&mut self, chunk: &Tensor) -> Result<f32>;
        fn reset(&mut self) -> Result<()>;
        fn probabilities(&mut self, samples: &Tensor) -> Result<Tensor>;
        fn segments(&mut self, samples: &Tensor) -> Result<Vec<Vec<i64>>>;
        fn segments_with(
            &mut self,
            samples: &Tensor,
            threshold: f64,
            min_speech_ms: f64,
            min_silence_ms: f64,
            pad_ms: f64,
        ) -> Result<Vec<Vec<i64>>>;
    }
}

impl Model {
    /// The next chunk of the stream: the probability, 0 to 1, that it holds speech.
    ///
    /// # Errors
    /// If `chunk` is not 512 finite numbers of type float32.
    pub fn process(&mut self, chunk: &Tensor) -> Result<f32> {
        let samples: &[f32] = chunk.as_slice()?;
        if samples.len() != CHUNK {
            return Err(Error::model(
                format!("the chunk has {} samples", samples.len()),
                format!("Pass {CHUNK} samples at a time; fill up the last chunk with zeros"),
            ));
        }
        check_finite(samples)?;
        self.stream.advance(&mut self.step, samples)
    }

    /// Ends the stream: the next chunk is the first of another one.
    ///
    /// # Errors
    /// None in practice.
    pub fn reset(&mut self) -> Result<()> {
        self.stream = Stream::new()?;
        Ok(())
    }

    /// The probability of speech for each chunk of a whole recording, float32. The last chunk is
    /// filled up with zeros. The stream of [`process`](Self::process) is left as it is.
    ///
    /// # Errors
    /// If `samples` are not finite numbers of type float32.
    pub fn probabilities(&mut self, samples: &Tensor) -> Result<Tensor> {
        let values = self.all(samples.as_slice()?)?;
        Tensor::from_slice(&[values.len() as i64], &values)
    }

    /// Where speech lies in a whole recording: pairs of start and end in samples, as
    /// `get_speech_timestamps` of silero-vad finds them with its own [`Options`].
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    pub fn segments(&mut self, samples: &Tensor) -> Result<Vec<Vec<i64>>> {
        self.find(samples, &Options::default())
    }

    /// As [`segments`](Self::segments), with [`Options`] of one's own.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities), and if an option makes no sense.
    pub fn segments_with(
        &mut self,
        samples: &Tensor,
        threshold: f64,
        min_speech_ms: f64,
        min_silence_ms: f64,
        pad_ms: f64,
    ) -> Result<Vec<Vec<i64>>> {
        let options = Options { threshold, min_speech_ms, min_silence_ms, pad_ms };
        options.check()?;
        self.find(samples, &options)
    }

    fn find(&mut self, samples: &Tensor, options: &Options) -> Result<Vec<Vec<i64>>> {
        let samples: &[f32] = samples.as_slice()?;
        let found = segments(&self.all(samples)?, samples.len() as i64, options);
        Ok(found.into_iter().map(|segment| vec![segment.start, segment.end]).collect())
    }

    fn all(&mut self, samples: &[f32]) -> Result<Vec<f32>> {
        check_finite(samples)?;
        let mut stream = Stream::new()?;
        samples.chunks(CHUNK).map(|chunk| stream.advance(&mut self.step, chunk)).collect()
    }
}

/// What the network remembers of a stream: the end of the last chunk and the LSTM's state.
struct Stream {
    window: Window,
    state: Tensor,
}

/// On the boundary that lets a session read it in place.
#[repr(align(64))]
struct Window([f32; WINDOW]);

impl Stream {
    fn new() -> Result<Self> {
        Ok(Self { window: Window([0.0; WINDOW]), state: Tensor::zeros::<f32>(&STATE)? })
    }

    fn advance(&mut self, step: &mut Session, chunk: &[f32]) -> Result<f32> {
        let window = &mut self.window.0;
        window.copy_within(CHUNK.., 0);
        let (given, missing) = window[CONTEXT..].split_at_mut(chunk.len());
        given.copy_from_slice(chunk);
        missing.fill(0.0);
        let samples = Input::slice(&[1, WINDOW as i64], window.as_slice())?;
        let outputs = step.run(&[("samples", samples), ("state", Input::from(&self.state))])?;
        let probability = outputs.get("probability")?.as_slice::<f32>()?[0];
        self.state = outputs.keep("next_state")?;
        Ok(probability)
    }
}

/// One number that is not finite would spoil the state, and with it all that follows.
fn check_finite(samples: &[f32]) -> Result<()> {
    match samples.iter().position(|sample| !sample.is_finite()) {
        None => Ok(()),
        Some(position) => Err(Error::model(
            format!("sample {position} is {}", samples[position]),
            "Pass samples from -1 to 1",
        )),
    }
}
