/* Exact intervals for counts (statistics.h has the sources).
 *
 * The limits are found by bisection on the regularised incomplete gamma and
 * beta functions, which are computed by their series and continued fractions
 * (NIST Digital Library of Mathematical Functions, 8.7, 8.9, 8.17).  The log of
 * the gamma function is our own, for arguments of 1 and above, because the C
 * library's keeps a sign in a global.
 */
#include "incidents/statistics.h"

#include <assert.h>
#include <math.h>

enum { TERMS_MAX = 10000, HALVINGS = 200 };

/* Above this the interval of Wilson and Hilferty, which is then exact to five digits, saves the work. */
#define EXACT_COUNTS_MAX 1e6
#define TAIL             0.025
#define NORMAL_975       1.959963984540054
#define TINY             1e-300
#define PRECISE          1e-15

/* Stirling's series, after moving up to where it converges. */
static double log_gamma(double x)
{
    double shift = 0, inverse;

    assert(x >= 1);
    while (x < 15)
        shift += log(x++);
    inverse = 1 / (x * x);
    return (x - 0.5) * log(x) - x + 0.91893853320467274178 - shift +
           (1.0 / 12 - inverse * (1.0 / 360 - inverse * (1.0 / 1260 - inverse / 1680))) / x;
}

/* ---- gamma -------------------------------------------------------------------------- */

static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;

    for (int n = 1; n < TERMS_MAX && term > sum * PRECISE; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(a * log(x) - x - log_gamma(a));
}

/* Lentz's way through the continued fraction of the upper function. */
static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;

    for (int n = 1; n < TERMS_MAX; n++) {
        double an = -n * (n - a), step;

        b += 2;
        d = an * d + b;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = b + an / c;
        c = fabs(c) < TINY ? TINY : c;
        step = c * d;
        h *= step;
        if (fabs(step - 1) < PRECISE)
            break;
    }
    return h * exp(a * log(x) - x - log_gamma(a));
}

/* P(a, x): how likely a Poisson variable of mean x is a or more. */
static double gamma_p(double a, double x)
{
    if (x <= 0)
        return 0;
    return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

static double gamma_inverse(double a, double p, double lo, double hi)
{
    for (int n = 0; n < HALVINGS && hi - lo > PRECISE * hi; n++) {
        double middle = (lo + hi) / 2;

        if (gamma_p(a, middle) < p)
            lo = middle;
        else
            hi = middle;
    }
    return (lo + hi) / 2;
}

/* Half the chi-square quantile of 2n degrees of freedom, approximately. */
static double wilson_hilferty(double n, double z)
{
    double t = 1 - 1 / (9 * n) + z / (3 * sqrt(n));

    return n * t * t * t;
}

void poisson_interval(uint64_t count, double *low, double *high)
{
    double n = (double)count, reach = 10 * sqrt(n) + 20;

    if (n > EXACT_COUNTS_MAX) {
        *low = wilson_hilferty(n, -NORMAL_975);
        *high = wilson_hilferty(n + 1, NORMAL_975);
        return;
    }
    *low = count == 0 ? 0 : gamma_inverse(n, TAIL, n > reach ? n - reach : 0, n);
    *high = gamma_inverse(n + 1, 1 - TAIL, n, n + reach);
    assert(*low <= n && *high >= n);
}

/* ---- beta ----------------------------------------------------------------------------- */

static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;

    d = 1 / (fabs(d) < TINY ? TINY : d);
    h = d;
    for (int m = 1; m < TERMS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), step;

        d = 1 + even * d;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = 1 + even / c;
        c = fabs(c) < TINY ? TINY : c;
        h *= d * c;
        d = 1 + odd * d;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = 1 + odd / c;
        c = fabs(c) < TINY ? TINY : c;
        step = d * c;
        h *= step;
        if (fabs(step - 1) < PRECISE)
            break;
    }
    return h;
}

/* I(x; a, b) for a and b of 1 and above: how likely a or more of a + b - 1 are, each with chance x. */
static double beta_i(double a, double b, double x)
{
    double front;

    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(1 - x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double beta_inverse(double a, double b, double p)
{
    double lo = 0, hi = 1;

    for (int n = 0; n < HALVINGS; n++) {
        double middle = (lo + hi) / 2;

        if (beta_i(a, b, middle) < p)
            lo = middle;
        else
            hi = middle;
    }
    return (lo + hi) / 2;
}

/* ---- rates ----------------------------------------------------------------------------- */

void crash_rate(uint64_t crashes, double guest_days, struct crash_rate *out)
{
    double low, high;

    *out = (struct crash_rate){ .crashes = crashes, .guest_days = guest_days > 0 ? guest_days : 0 };
    if (!(guest_days > 0) || !isfinite(guest_days))
        return;
    poisson_interval(crashes, &low, &high);
    out->known = true;
    out->per_1000 = (double)crashes / guest_days * 1000;
    out->low = low / guest_days * 1000;
    out->high = high / guest_days * 1000;
}

/* Given how many crashed in all, how many of them were of group a is binomial; its limits give those of the ratio. */
void crash_ratio(uint64_t crashes_a, double days_a, uint64_t crashes_b, double days_b, struct crash_ratio *out)
{
    double a = (double)crashes_a, b = (double)crashes_b, scale, p;

    *out = (struct crash_ratio){ .why = "" };
    if (!(days_a >= STATISTICS_MIN_GUEST_DAYS) || !(days_b >= STATISTICS_MIN_GUEST_DAYS))
        out->why = "too few guests were watched, or for too short a time";
    else if (a + b < STATISTICS_MIN_CRASHES)
        out->why = "too few of them crashed";
    if (out->why[0] != '\0')
        return;
    scale = days_b / days_a;
    out->known = true;
    out->ratio = b > 0 ? a / b * scale : INFINITY;
    p = a > 0 ? beta_inverse(a, b + 1, TAIL) : 0;
    out->low = p / (1 - p) * scale;
    p = b > 0 ? beta_inverse(a + 1, b, 1 - TAIL) : 1;
    out->high = b > 0 ? p / (1 - p) * scale : INFINITY;
}
