package codec

import "math"

// subband is the adaptive quantiser and predictor of one band of G.722, the same
// at both ends. Names follow what a value is; the Recommendation's are beside it.
type subband struct {
	estimate int32    // S: of the next sample, from poles and zeros
	zeros    int32    // SZ: the zeros' share of it
	level    int32    // NB: logarithm of the scale
	scale    int32    // DET: of the quantiser
	pole     [2]int32 // A1, A2
	zero     [6]int32 // B1–B6
	rebuilt  int32    // R: last sample
	partial  [2]int32 // P: last two, from zeros alone
	steps    [6]int32 // D: last six differences
}

// saturate keeps v within 16 bits.
func saturate(v int32) int32 {
	return min(max(v, math.MinInt16), math.MaxInt16)
}

// quantiseLow encodes a sample of the low band to six bits (G.722 §3.3, 3.5).
func (b *subband) quantiseLow(x int32) byte {
	e := saturate(x - b.estimate)
	size := e ^ e>>31 // |e|, of negative ones less by 1
	// The decision levels rise, so the place is found by halving.
	lo, hi := 1, len(lowLevels)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); size < lowLevels[mid]*b.scale>>12 {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	code := lowPositive[lo]
	if e < 0 {
		code = lowNegative[lo]
	}
	b.adaptLow(code >> 2)
	return code
}

// restoreLow decodes six bits (G.722 §4.2).
func (b *subband) restoreLow(code byte) int32 {
	x := b.estimate + b.scale*quant6[code&63]>>15
	b.adaptLow(code & 63 >> 2)
	return min(max(x, -16384), 16383)
}

// adaptLow moves on by the four bits that adaptation is made of.
func (b *subband) adaptLow(code byte) {
	step := b.scale * quant4[code&15] >> 15
	b.rescale(lowGrowth[code&15], 18432, 8)
	b.predict(step)
}

// quantiseHigh encodes a sample of the high band to two bits (G.722 §3.4, 3.5).
func (b *subband) quantiseHigh(x int32) byte {
	e := saturate(x - b.estimate)
	code := byte(3)
	if large := e^e>>31 >= 564*b.scale>>12; large {
		code = 2
	}
	if e < 0 {
		code -= 2
	}
	b.restoreHigh(code)
	return code
}

// restoreHigh decodes two bits (G.722 §4.3).
func (b *subband) restoreHigh(code byte) int32 {
	step := b.scale * quant2[code&3] >> 15
	x := b.estimate + step
	b.rescale(highGrowth[code&3], 22528, 10)
	b.predict(step)
	return min(max(x, -16384), 16383)
}

// rescale moves the quantiser's scale with the signal (G.722 §3.5).
func (b *subband) rescale(growth, most, shift int32) {
	b.level = min(max(b.level*127>>7+growth, 0), most)
	mantissa := inverseLog[b.level>>6&31]
	if shift -= b.level >> 11; shift < 0 {
		b.scale = mantissa << -shift << 2
	} else {
		b.scale = mantissa >> shift << 2
	}
}

// predict adapts poles and zeros to the difference that was sent and estimates
// the next sample (G.722 §3.6).
func (b *subband) predict(step int32) {
	rebuilt, partial := saturate(b.estimate+step), saturate(b.zeros+step)
	b.adaptPoles(partial)
	b.adaptZeros(step)
	poles := saturate(b.pole[0]*saturate(2*rebuilt)>>15 + b.pole[1]*saturate(2*b.rebuilt)>>15)
	b.rebuilt = rebuilt
	b.partial[0], b.partial[1] = partial, b.partial[0]
	b.estimate = saturate(poles + b.zeros)
}

// adaptPoles keeps both within the bounds of stability.
func (b *subband) adaptPoles(partial int32) {
	drift := saturate(4 * b.pole[0])
	if partial^b.partial[0] >= 0 {
		drift = min(-drift, math.MaxInt16)
	}
	second := drift >> 7
	if partial^b.partial[1] >= 0 {
		second += 128
	} else {
		second -= 128
	}
	second = min(max(second+b.pole[1]*32512>>15, -12288), 12288)
	first := int32(-192)
	if partial^b.partial[0] >= 0 {
		first = 192
	}
	bound := 15360 - second
	b.pole[0] = min(max(saturate(first+b.pole[0]*32640>>15), -bound), bound)
	b.pole[1] = second
}

// adaptZeros moves each zero by how its difference agrees in sign with the new
// one, and sums up their share of the estimate.
func (b *subband) adaptZeros(step int32) {
	size := int32(128)
	if step == 0 {
		size = 0
	}
	sum, newer := int32(0), step
	for i, older := range b.steps {
		turn := (older ^ step) >> 31 // -1 when the signs differ
		b.zero[i] = saturate(size ^ turn - turn + b.zero[i]*32640>>15)
		b.steps[i] = newer
		sum += b.zero[i] * saturate(2*newer) >> 15
		newer = older
	}
	b.zeros = saturate(sum)
}
