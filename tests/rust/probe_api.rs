//! A model whose methods show what crosses the C interface, and how it fails.

use tvm_runtime_flutter::{Error, Input, Library, Result, Session, Tensor, methods};

pub struct Model {
    scale: Session,
    view: Session,
    calls: i64,
}

impl tvm_runtime_flutter::Model for Model {
    fn open(library: &'static Library) -> Result<Self> {
        Ok(Self { scale: library.session("scale")?, view: library.session("view")?, calls: 0 })
    }
}

methods! {
    impl Model {
        fn count(&mut self) -> Result<i64>;
        fn thread(&mut self) -> Result<String>;
        fn scale(&mut self, values: Vec<f32>) -> Result<Vec<f32>>;
        fn scale_tensor(&mut self, x: &Tensor) -> Result<Tensor>;
        fn view_of_borrowed(&mut self, offset: usize) -> Result<Vec<f32>>;
        fn writable_while_viewed(&mut self) -> Result<Vec<bool>>;
        fn everything(
            &mut self,
            truth: bool,
            whole: i32,
            number: f64,
            text: &str,
            bytes: &[u8],
            tensor: &Tensor,
            list: Vec<Option<String>>,
        ) -> Result<String>;
        fn echo_text(&mut self, text: String) -> Result<String>;
        fn echo_bytes(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>>;
        fn nothing(&mut self) -> Result<()>;
        fn fail(&mut self, message: &str) -> Result<()>;
        fn panic(&mut self, message: &str) -> Result<()>;
    }
}

impl Model {
    fn count(&mut self) -> Result<i64> {
        self.calls += 1;
        Ok(self.calls)
    }

    /// The thread that the call runs on.
    fn thread(&mut self) -> Result<String> {
        Ok(format!("{:?}", std::thread::current().id()))
    }

    fn scale(&mut self, values: Vec<f32>) -> Result<Vec<f32>> {
        let x = Tensor::from_slice(&[2, 3], &values)?;
        Ok(self.scale.run(&[("x", &x)])?["y"].as_slice()?.to_vec())
    }

    fn scale_tensor(&mut self, x: &Tensor) -> Result<Tensor> {
        self.scale.run(&[("x", x)])?.keep("y")
    }

    /// Lends a slice `offset` elements behind a 64-byte boundary; the result would be a view of it.
    fn view_of_borrowed(&mut self, offset: usize) -> Result<Vec<f32>> {
        let mut buffer = Tensor::zeros::<f32>(&[64])?;
        let floats = buffer.as_mut_slice::<f32>()?;
        for (position, value) in floats.iter_mut().enumerate() {
            *value = position as f32;
        }
        let input = Input::slice(&[2, 3], &floats[offset..offset + 6])?;
        let outputs = self.view.run(&[("x", input)])?;
        floats.fill(-1.0);
        Ok(outputs["flat"].as_slice()?.to_vec())
    }

    /// Whether an input may be written: before the call, while its view lives, and after that.
    fn writable_while_viewed(&mut self) -> Result<Vec<bool>> {
        let mut x = Tensor::from_slice(&[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
        let before = x.as_mut_slice::<f32>().is_ok();
        let outputs = self.view.run(&[("x", &x)])?;
        let viewed = x.as_mut_slice::<f32>().is_ok();
        drop(outputs);
        // The virtual machine keeps its last result until the next call.
        let other = Tensor::zeros::<f32>(&[2, 3])?;
        self.view.run(&[("x", &other)])?;
        Ok(vec![before, viewed, x.as_mut_slice::<f32>().is_ok()])
    }

    #[expect(clippy::too_many_arguments, reason = "one of each type")]
    fn everything(
        &mut self,
        truth: bool,
        whole: i32,
        number: f64,
        text: &str,
        bytes: &[u8],
        tensor: &Tensor,
        list: Vec<Option<String>>,
    ) -> Result<String> {
        Ok(format!("{truth} {whole} {number} {text} {bytes:?} {tensor:?} {list:?}"))
    }

    fn echo_text(&mut self, text: String) -> Result<String> {
        Ok(text)
    }

    fn echo_bytes(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(bytes)
    }

    fn nothing(&mut self) -> Result<()> {
        Ok(())
    }

    fn fail(&mut self, message: &str) -> Result<()> {
        Err(Error::model(message, "Do it differently"))
    }

    fn panic(&mut self, message: &str) -> Result<()> {
        panic!("{message}")
    }
}
