//! Dot products of bytes: the inner loop of every search by meaning, in the widest form that the processor has.
//!
//! All `unsafe` of the arithmetic is here. Both sides have the same length, a multiple of [`STEP`]; what is longer on one
//! side is left out.

/// Lengths are multiples of this.
pub const STEP: usize = 64;

/// The sum of `shifted[n] * codes[n]`, where the codes are signed. Bytes above 127 of `codes` are thus negative.
pub fn shifted(shifted: &[u8], codes: &[u8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512vnni") && std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the two features that the function asks for.
            return unsafe { x86::shifted_vnni(shifted, codes) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the function asks for.
            return unsafe { x86::shifted_avx2(shifted, codes) };
        }
    }
    plain(shifted.iter().map(|a| i32::from(*a)), codes)
}

/// The sum of `query[n] * codes[n]` with signed codes. The caller sees to it that the sum fits.
pub fn wide(query: &[i16], codes: &[u8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function asks for.
        return unsafe { x86::wide_avx2(query, codes) };
    }
    plain(query.iter().map(|q| i32::from(*q)), codes)
}

/// Asks the processor to fetch codes that are needed soon.
pub fn prefetch(codes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    codes.chunks(STEP).for_each(|line| {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of readable memory; it changes nothing that a program can see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    });
    #[cfg(not(target_arch = "x86_64"))]
    let _ = codes;
}

fn plain(a: impl Iterator<Item = i32>, codes: &[u8]) -> i32 {
    a.zip(codes).map(|(a, b)| a * i32::from(*b as i8)).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_setzero_si256, _mm256_storeu_si256, _mm512_add_epi32,
        _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_reduce_add_epi32, _mm512_setzero_si512,
    };

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub fn shifted_vnni(shifted: &[u8], codes: &[u8]) -> i32 {
        let (left, right) = (shifted.as_chunks::<64>().0, codes.as_chunks::<64>().0);
        // Two sums, so that one product need not wait for the other.
        let mut sums = [_mm512_setzero_si512(); 2];
        for (n, (a, b)) in left.iter().zip(right).enumerate() {
            sums[n % 2] = _mm512_dpbusd_epi32(sums[n % 2], load512(a), load512(b));
        }
        _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]))
    }

    #[target_feature(enable = "avx512f")]
    fn load512(bytes: &[u8; 64]) -> __m512i {
        // SAFETY: `bytes` is 64 readable bytes; the load needs no alignment.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    /// Products in 16 bits and sums in 32: `maddubs` would be shorter and overflow.
    #[target_feature(enable = "avx2")]
    pub fn shifted_avx2(shifted: &[u8], codes: &[u8]) -> i32 {
        let (left, right) = (shifted.as_chunks::<16>().0, codes.as_chunks::<16>().0);
        let mut sum = _mm256_setzero_si256();
        for (a, b) in left.iter().zip(right) {
            // SAFETY: `a` is 16 readable bytes; the load needs no alignment.
            let a = _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(a.as_ptr().cast()) });
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, widened(b)));
        }
        total(sum)
    }

    #[target_feature(enable = "avx2")]
    pub fn wide_avx2(query: &[i16], codes: &[u8]) -> i32 {
        let (left, right) = (query.as_chunks::<16>().0, codes.as_chunks::<16>().0);
        let mut sum = _mm256_setzero_si256();
        for (a, b) in left.iter().zip(right) {
            // SAFETY: `a` is 32 readable bytes; the load needs no alignment.
            let a = unsafe { _mm256_loadu_si256(a.as_ptr().cast()) };
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, widened(b)));
        }
        total(sum)
    }

    #[target_feature(enable = "avx2")]
    fn widened(codes: &[u8; 16]) -> __m256i {
        // SAFETY: `codes` is 16 readable bytes; the load needs no alignment.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) })
    }

    #[target_feature(enable = "avx2")]
    fn total(sums: __m256i) -> i32 {
        let mut lanes = [0i32; 8];
        // SAFETY: `lanes` is 32 writable bytes; the store needs no alignment.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_agree() {
        for length in [0, 64, 128, 384, 1024] {
            let left: Vec<u8> = (0..length).map(|n| (n * 89 % 256) as u8).collect();
            let query: Vec<i16> = (0..length).map(|n| (n * 37 % 2001 - 1000) as i16).collect();
            let codes: Vec<u8> = (0..length).map(|n| (n * 7 % 255 - 127) as u8).collect();
            let sum = plain(left.iter().map(|a| i32::from(*a)), &codes);
            assert_eq!(shifted(&left, &codes), sum);
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                assert_eq!(unsafe { x86::shifted_avx2(&left, &codes) }, sum);
            }
            assert_eq!(wide(&query, &codes), plain(query.iter().map(|q| i32::from(*q)), &codes));
            prefetch(&codes);
        }
    }

    #[test]
    fn the_largest_values_do_not_overflow() {
        assert_eq!(shifted(&[255; 384], &[0x80; 384]), 255 * -128 * 384);
        assert_eq!(shifted(&[255; 384], &[127; 384]), 255 * 127 * 384);
    }
}
