//! A hint to the processor that memory will be wanted soon. It never changes a result.

/// Asks for the cache line of `slice[index]`, if there is such an element.
///
/// On x86-64 this is one instruction; elsewhere it does nothing.
#[inline(always)]
pub fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = slice.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction is part of the x86-64 baseline, reads nothing and cannot fault; the
        // address comes from a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}
