//! A tiny model made of numbers from a seed, to try a build of the CPU code out on.
//!
//! It is a two-layer llama of width 256 without a vocabulary, in GGUF. Its matrices are in the formats that models come in
//! (Q4_0, Q4_1, Q8_0, Q4_K, Q6_K), so that every build runs the kernels it will run for a real model.

/// Width of the model, and its number of token ids.
pub const WIDTH: usize = 256;
const HIDDEN: usize = 512;
const LAYERS: usize = 2;
const ALIGNMENT: usize = 32;

/// A number format of ggml: its id, and values and bytes of a block.
#[derive(Clone, Copy)]
enum Format {
    F32,
    Q4_0,
    Q4_1,
    Q8_0,
    Q4K,
    Q6K,
}

impl Format {
    fn id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q6K => 14,
        }
    }

    fn bytes(self, values: usize) -> usize {
        match self {
            Self::F32 => values * 4,
            Self::Q4_0 => values / 32 * 18,
            Self::Q4_1 => values / 32 * 20,
            Self::Q8_0 => values / 32 * 34,
            Self::Q4K => values / 256 * 144,
            Self::Q6K => values / 256 * 210,
        }
    }

    /// Where in a block its scales (16-bit floats) are; they cannot be random.
    fn scales(self) -> (usize, &'static [usize]) {
        match self {
            Self::F32 => (4, &[]),
            Self::Q4_0 => (18, &[0]),
            Self::Q4_1 => (20, &[0, 2]),
            Self::Q8_0 => (34, &[0]),
            Self::Q4K => (144, &[0, 2]),
            Self::Q6K => (210, &[208]),
        }
    }

    /// Values from the generator. Norms (F32) are ones.
    fn data(self, values: usize, random: &mut Random) -> Vec<u8> {
        if let Self::F32 = self {
            return 1f32.to_le_bytes().repeat(values);
        }
        let mut data: Vec<u8> = (0..self.bytes(values)).map(|_| random.byte()).collect();
        let (size, scales) = self.scales();
        for block in data.chunks_exact_mut(size) {
            for &at in scales {
                // 2^-12 as a 16-bit float.
                block[at..at + 2].copy_from_slice(&0x0c00u16.to_le_bytes());
            }
        }
        data
    }
}

/// xorshift64*, by S. Vigna (2014).
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    }
}

struct Tensor {
    name: String,
    shape: Vec<usize>,
    format: Format,
}

fn tensors() -> Vec<Tensor> {
    let tensor =
        |name: &str, shape: &[usize], format| Tensor { name: format!("{name}.weight"), shape: shape.into(), format };
    let mut all = vec![
        tensor("token_embd", &[WIDTH, WIDTH], Format::Q8_0),
        tensor("output_norm", &[WIDTH], Format::F32),
        tensor("output", &[WIDTH, WIDTH], Format::Q6K),
    ];
    for layer in 0..LAYERS {
        let matrices: [(&str, &[usize], Format); 9] = [
            ("attn_norm", &[WIDTH], Format::F32),
            ("attn_q", &[WIDTH, WIDTH], Format::Q4K),
            ("attn_k", &[WIDTH, WIDTH / 2], Format::Q4_0),
            ("attn_v", &[WIDTH, WIDTH / 2], Format::Q6K),
            ("attn_output", &[WIDTH, WIDTH], Format::Q4_0),
            ("ffn_norm", &[WIDTH], Format::F32),
            ("ffn_gate", &[WIDTH, HIDDEN], Format::Q4_1),
            ("ffn_up", &[WIDTH, HIDDEN], Format::Q4K),
            ("ffn_down", &[HIDDEN, WIDTH], Format::Q8_0),
        ];
        all.extend(matrices.iter().map(|(name, shape, format)| tensor(&format!("blk.{layer}.{name}"), shape, *format)));
    }
    all
}

/// The model as a GGUF file; the same bytes every time.
pub fn model() -> Vec<u8> {
    let tensors = tensors();
    let mut file = header(tensors.len());
    let mut offset = 0usize;
    for tensor in &tensors {
        describe(&mut file, tensor, offset);
        offset = (offset + size(tensor)).next_multiple_of(ALIGNMENT);
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for tensor in &tensors {
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(tensor.format.data(tensor.shape.iter().product(), &mut random));
    }
    file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
    file
}

fn size(tensor: &Tensor) -> usize {
    tensor.format.bytes(tensor.shape.iter().product())
}

fn header(tensors: usize) -> Vec<u8> {
    let words: [(&str, &str); 2] = [("general.architecture", "llama"), ("tokenizer.ggml.model", "no_vocab")];
    let numbers: [(&str, u32); 7] = [
        ("llama.context_length", 512),
        ("llama.embedding_length", WIDTH as u32),
        ("llama.block_count", LAYERS as u32),
        ("llama.feed_forward_length", HIDDEN as u32),
        ("llama.attention.head_count", 4),
        ("llama.attention.head_count_kv", 2),
        ("llama.vocab_size", WIDTH as u32),
    ];
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend((tensors as u64).to_le_bytes());
    file.extend((words.len() as u64 + numbers.len() as u64 + 1).to_le_bytes());
    for (key, word) in words {
        push_string(&mut file, key);
        file.extend(8u32.to_le_bytes());
        push_string(&mut file, word);
    }
    for (key, number) in numbers {
        push_string(&mut file, key);
        file.extend(4u32.to_le_bytes());
        file.extend(number.to_le_bytes());
    }
    push_string(&mut file, "llama.attention.layer_norm_rms_epsilon");
    file.extend(6u32.to_le_bytes());
    file.extend(1e-5f32.to_le_bytes());
    file
}

fn describe(file: &mut Vec<u8>, tensor: &Tensor, offset: usize) {
    push_string(file, &tensor.name);
    file.extend((tensor.shape.len() as u32).to_le_bytes());
    for &length in &tensor.shape {
        file.extend((length as u64).to_le_bytes());
    }
    file.extend(tensor.format.id().to_le_bytes());
    file.extend((offset as u64).to_le_bytes());
}

fn push_string(file: &mut Vec<u8>, text: &str) {
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_small_and_always_the_same() {
        let file = model();
        assert_eq!(file, model());
        assert!(file.starts_with(b"GGUF") && file.len() < 2 << 20);
    }
}
