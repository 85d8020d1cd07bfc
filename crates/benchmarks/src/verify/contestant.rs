//! Contestant: a way to judge callbacks, ready to be timed.

use std::rc::Rc;

use bytes::Bytes;

use super::callbacks::Callback;

/// Whether the callback of this number is genuine; the numbers wrap around.
pub(super) type Judge = Box<dyn Fn(usize) -> bool>;

/// A library, or code written by hand, with what it does to one callback after another.
pub(super) struct Contestant {
    pub(super) name: &'static str,
    /// Compares the signature.
    pub(super) verify: Judge,
    /// Does that, and makes an event of the body that outlives the request.
    pub(super) decode: Judge,
}

impl Contestant {
    /// `sign` makes what a request carries beside its body, in the form that `verify` and `decode` take.
    pub(super) fn new<P: 'static>(
        name: &'static str,
        callbacks: &[Callback],
        sign: impl Fn(&[u8]) -> P,
        verify: impl Fn(&P, &Bytes) -> bool + 'static,
        decode: impl Fn(&P, &Bytes) -> bool + 'static,
    ) -> Self {
        let messages = sign_all(callbacks, sign);
        Self { name, verify: judge(messages.clone(), verify), decode: judge(messages, decode) }
    }
}

/// What requests carry beside their bodies, and the bodies.
pub(super) type Messages<P> = Rc<[(P, Bytes)]>;

pub(super) fn sign_all<P>(callbacks: &[Callback], sign: impl Fn(&[u8]) -> P) -> Messages<P> {
    callbacks.iter().map(|callback| (sign(&callback.signed), callback.shown.clone())).collect()
}

pub(super) fn judge<P: 'static>(
    messages: Messages<P>,
    accepts: impl Fn(&P, &Bytes) -> bool + 'static,
) -> Judge {
    Box::new(move |number| {
        let (proof, body) = &messages[number % messages.len()];
        accepts(proof, body)
    })
}

/// How often one call allocates.
pub(super) fn allocations(judge: &Judge) -> u64 {
    allocation_counter::measure(|| {
        judge(0);
    })
    .count_total
}

/// Nobody is measured who would take a forged callback, or refuse a genuine one.
#[cfg(test)]
#[track_caller]
pub(super) fn assert_it_judges(name: &str, judge_of: impl Fn(&[Callback]) -> Judge) {
    let genuine = super::callbacks::pretty();
    let changed: Vec<Callback> = genuine.iter().map(Callback::changed).collect();
    let (of_genuine, of_changed) = (judge_of(&genuine), judge_of(&changed));
    for number in 0..genuine.len() {
        assert!(of_genuine(number), "{name} refuses a genuine callback");
        assert!(!of_changed(number), "{name} takes a changed callback");
    }
}
