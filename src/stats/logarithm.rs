//! The natural logarithm of a bet's factor: the same bits on every machine, several at a time.

/// ln 2 in two parts: the first one has zeros enough at its end that its multiples by an exponent are exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// The bits of √½, and of one.
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE: u64 = 0x3ff0_0000_0000_0000;

const FRACTION: u64 = 0x000f_ffff_ffff_ffff;

/// A whole number below 2⁵² in the low bits of this is an f64 that many units above 2⁵².
const AT_2_52: u64 = 0x4330_0000_0000_0000;
const TWO_52: f64 = 4_503_599_627_370_496.0;
const EXPONENT_BIAS: f64 = 1_023.0;

/// ln x of a positive normal `x`, within one unit in the last place. Of anything else it says nothing of use.
///
/// `f64::ln` is the platform's, whose last bit is not everybody's, and a call, where this is arithmetic that the
/// compiler does for several numbers at once.
///
/// Source: x = 2ᵏ (1 + f) with 1 + f in [√½, √2), s = f/(2 + f), and ln(1 + f) = f − f²/2 + s (f²/2 + R(s²)) with the
/// minimax polynomial R of Sun Microsystems' fdlibm (1993, `e_log.c`), off by less than 2⁻⁵⁸.
#[inline]
pub(super) fn ln(x: f64) -> f64 {
    let bits = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let k = f64::from_bits(AT_2_52 | (bits >> 52)) - (TWO_52 + EXPONENT_BIAS);
    let f = f64::from_bits((bits & FRACTION) + SQRT_HALF) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even =
        w * (3.999_999_999_940_942e-1 + w * (2.222_219_843_214_978_4e-1 + w * 1.531_383_769_920_937_3e-1));
    let odd = z
        * (6.666_666_666_666_735e-1
            + w * (2.857_142_874_366_239e-1
                + w * (1.818_357_216_161_805e-1 + w * 1.479_819_860_511_658_6e-1)));
    let half_square = 0.5 * f * f;
    k * LN_2_HIGH - ((half_square - (s * (half_square + even + odd) + k * LN_2_LOW)) - f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units_off(x: f64) -> f64 {
        let expected = x.ln();
        let unit = f64::from_bits(expected.abs().to_bits() + 1) - expected.abs();
        (ln(x) - expected).abs() / unit
    }

    #[test]
    fn it_is_the_logarithm_to_the_last_place_but_one() {
        let mut x = 1e-12;
        while x < 1e19 {
            assert!(units_off(x) <= 1.0, "{x}");
            x *= 1.000_37;
        }
        for near_one in [1.0 - 1e-9, 1.0 + 1e-9, 1.0 - f64::EPSILON, 1.0 + f64::EPSILON] {
            assert!(units_off(near_one) <= 1.0, "{near_one}");
        }
    }

    #[test]
    fn these_bits_are_the_same_everywhere() {
        assert_eq!(ln(1.0).to_bits(), 0);
        let bits = [0.031_25, 0.5, 1.968_75, 2.0, 3.0, 1e9].map(|x| ln(x).to_bits());
        let expected: [u64; 6] = [
            0xc00b_b9d3_beb8_c86b,
            0xbfe6_2e42_fefa_39ef,
            0x3fe5_ad40_4c35_9f2d,
            0x3fe6_2e42_fefa_39ef,
            0x3ff1_93ea_7aad_030a,
            0x4034_b927_f32b_ffb8,
        ];
        assert_eq!(bits, expected);
    }
}
