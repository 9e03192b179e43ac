package results

import "math"

// z95 is the quantile of the normal distribution that leaves 2.5 % above it.
const z95 = 1.959963984540054

// Wilson is the interval in which the true rate lies with 95 % confidence when k of n were seen (E. B. Wilson, "Probable
// Inference", JASA 1927). Of nothing seen it is everything.
func Wilson(k, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z95*z95/(2*m)) / (1 + z95*z95/m)
	half := z95 / (1 + z95*z95/m) * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	return max(0, middle-half), min(1, middle+half)
}

// ratio is an estimate of a/b with its 95 % interval.
type ratio struct{ Estimate, Low, High float64 }

// ratioOf compares the geometric means of two samples of positive values: the interval is Welch's, of the difference of
// the logarithms. It needs two values on each side.
func ratioOf(a, b []float64) ratio {
	ma, va := logMoments(a)
	mb, vb := logMoments(b)
	na, nb := float64(len(a)), float64(len(b))
	square := va/na + vb/nb
	diff := ma - mb
	if square == 0 {
		return ratio{math.Exp(diff), math.Exp(diff), math.Exp(diff)}
	}
	freedom := square * square / (va*va/(na*na*(na-1)) + vb*vb/(nb*nb*(nb-1)))
	half := student95(freedom) * math.Sqrt(square)
	return ratio{math.Exp(diff), math.Exp(diff - half), math.Exp(diff + half)}
}

// logMoments are mean and variance of the logarithms.
func logMoments(values []float64) (mean, variance float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += math.Log(v) / n
	}
	for _, v := range values {
		d := math.Log(v) - mean
		variance += d * d / (n - 1)
	}
	return mean, variance
}

// student95 is the quantile of Student's distribution that leaves 2.5 % above it: exact for one and two degrees of freedom,
// else by the expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5), right to 1 % from three on.
func student95(freedom float64) float64 {
	switch {
	case freedom < 1.5:
		return 12.706204736
	case freedom < 2.5:
		return 4.302652730
	}
	z := z95
	g1 := (math.Pow(z, 3) + z) / 4
	g2 := (5*math.Pow(z, 5) + 16*math.Pow(z, 3) + 3*z) / 96
	g3 := (3*math.Pow(z, 7) + 19*math.Pow(z, 5) + 17*math.Pow(z, 3) - 15*z) / 384
	g4 := (79*math.Pow(z, 9) + 776*math.Pow(z, 7) + 1482*math.Pow(z, 5) - 1920*math.Pow(z, 3) - 945*z) / 92160
	return z + g1/freedom + g2/math.Pow(freedom, 2) + g3/math.Pow(freedom, 3) + g4/math.Pow(freedom, 4)
}
