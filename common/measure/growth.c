#include "common/measure/growth.h"

/* The weight in g and the height in mm at -2, 0 and 2 standard deviations, for boys and girls.
 *
 * Source: CDC growth charts for the United States, 2000: weight for age and length or stature
 * for age (Kuczmarski RJ et al. 2000 CDC growth charts for the United States: methods and
 * development. Vital Health Stat 11(246), 2002; National Center for Health Statistics, public
 * domain), from their L, M and S: M * (1 + L * S * z)^(1 / L). Between two rows the values lie
 * on a line: weights never more than 0.5 % from the charts' own months. The modified z-score:
 * CDC, A SAS program for the 2000 CDC growth charts (ages 0 to < 20 years). Checked 2026-11-22.
 */
static const struct row {
    int days;
    int weight[2][3], height[2][3];
} rows[] = {
    {0, {{2265, 3530, 4499}, {2345, 3399, 4306}}, {{446, 500, 552}, {449, 493, 549}}},
    {15, {{2714, 4003, 5094}, {2686, 3798, 4801}}, {{477, 527, 579}, {472, 517, 570}}},
    {46, {{3534, 4880, 6200}, {3329, 4545, 5727}}, {{519, 566, 620}, {507, 553, 603}}},
    {76, {{4262, 5673, 7200}, {3921, 5231, 6573}}, {{550, 596, 650}, {534, 581, 630}}},
    {107, {{4911, 6391, 8102}, {4467, 5860, 7347}}, {{575, 621, 676}, {556, 605, 654}}},
    {137, {{5491, 7042, 8915}, {4972, 6438, 8055}}, {{596, 642, 699}, {575, 625, 675}}},
    {198, {{6475, 8163, 10304}, {5866, 7455, 9298}}, {{630, 679, 737}, {608, 661, 713}}},
    {259, {{7265, 9081, 11429}, {6629, 8314, 10347}}, {{659, 709, 770}, {636, 692, 745}}},
    {320, {{7905, 9835, 12343}, {7279, 9043, 11241}}, {{684, 737, 798}, {661, 719, 775}}},
    {380, {{8427, 10459, 13094}, {7834, 9666, 12012}}, {{706, 761, 824}, {684, 744, 801}}},
    {472, {{9049, 11210, 13994}, {8523, 10445, 13000}}, {{735, 794, 860}, {715, 778, 838}}},
    {563, {{9539, 11805, 14714}, {9080, 11089, 13850}}, {{761, 824, 891}, {742, 808, 872}}},
    {654, {{9949, 12302, 15331}, {9542, 11640, 14620}}, {{784, 851, 920}, {768, 836, 903}}},
    {746, {{10313, 12742, 15902}, {9938, 12135, 15351}}, {{798, 869, 939}, {784, 854, 924}}},
    {928, {{10995, 13561, 17048}, {10621, 13044, 16803}}, {{841, 913, 991}, {828, 903, 979}}},
    {1111,
     {{11680, 14403, 18326}, {11258, 13941, 18337}},
     {{880, 953, 1035}, {864, 942, 1023}}},
    {1294,
     {{12395, 15319, 19780}, {11916, 14881, 19995}},
     {{911, 990, 1073}, {895, 976, 1062}}},
    {1476,
     {{13135, 16317, 21393}, {12621, 15878, 21770}},
     {{941, 1025, 1110}, {926, 1010, 1101}}},
    {1841,
     {{14674, 18486, 24973}, {14165, 18023, 25601}},
     {{998, 1092, 1184}, {988, 1080, 1180}}},
    {2207,
     {{16293, 20778, 28943}, {15807, 20336, 29773}},
     {{1055, 1157, 1257}, {1052, 1150, 1259}}},
    {2572,
     {{18020, 23167, 33422}, {17488, 22868, 34430}},
     {{1113, 1220, 1330}, {1113, 1218, 1335}}},
    {2937,
     {{19851, 25753, 38616}, {19256, 25757, 39825}},
     {{1168, 1281, 1400}, {1166, 1278, 1402}}},
    {3302,
     {{21773, 28681, 44602}, {21238, 29143, 46120}},
     {{1217, 1337, 1464}, {1212, 1331, 1462}}},
    {3668,
     {{23832, 32088, 51263}, {23571, 33064, 53232}},
     {{1259, 1388, 1524}, {1252, 1382, 1521}}},
    {4033,
     {{26162, 36073, 58340}, {26330, 37391, 60801}},
     {{1300, 1437, 1582}, {1299, 1443, 1590}}},
    {4398,
     {{28954, 40674, 65526}, {29473, 41828, 68270}},
     {{1348, 1493, 1647}, {1365, 1515, 1660}}},
    {4581,
     {{30576, 43188, 69075}, {31140, 43966, 71778}},
     {{1377, 1527, 1684}, {1402, 1548, 1688}}},
    {4763,
     {{32364, 45813, 72560}, {32829, 45984, 75047}},
     {{1408, 1564, 1723}, {1434, 1573, 1710}}},
    {4946,
     {{34311, 48511, 75966}, {34503, 47837, 78027}},
     {{1441, 1603, 1762}, {1458, 1592, 1726}}},
    {5129,
     {{36396, 51231, 79283}, {36120, 49491, 80688}},
     {{1475, 1641, 1797}, {1473, 1605, 1737}}},
    {5311,
     {{38579, 53913, 82507}, {37639, 50925, 83017}},
     {{1507, 1675, 1827}, {1483, 1613, 1744}}},
    {5494,
     {{40800, 56491, 85629}, {39025, 52136, 85018}},
     {{1536, 1701, 1850}, {1490, 1619, 1749}}},
    {5859,
     {{45057, 61095, 91488}, {41286, 53945, 88114}},
     {{1579, 1736, 1879}, {1497, 1626, 1755}}},
    {6224,
     {{48551, 64700, 96513}, {42810, 55182, 90187}},
     {{1604, 1753, 1895}, {1500, 1629, 1759}}},
    {6590,
     {{50949, 67290, 100110}, {43714, 56230, 91469}},
     {{1616, 1762, 1903}, {1502, 1631, 1761}}},
    {6955,
     {{52452, 69195, 102002}, {44232, 57352, 92207}},
     {{1622, 1766, 1908}, {1503, 1633, 1762}}},
    {7305,
     {{53202, 70598, 103537}, {44450, 58219, 92578}},
     {{1625, 1768, 1910}, {1503, 1633, 1762}}},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

struct at { /* one sex at one age */
    int64_t low, median, high;
};

static int64_t between(const struct row *a, const struct row *b, int64_t from, int64_t to,
                       int64_t days)
{
    return from + (to - from) * (days - a->days) / (b->days - a->days);
}

static const int *values(const struct row *r, enum ward_growth what, int girl)
{
    return what == WARD_GROWTH_WEIGHT ? r->weight[girl] : r->height[girl];
}

static struct at at_days(enum ward_growth what, int girl, int64_t days)
{
    const struct row *a = rows, *b;
    const int *x, *y;

    days = days < 0 ? 0 : days > WARD_GROWTH_DAYS ? WARD_GROWTH_DAYS : days;
    while (a + 2 < rows + ROW_COUNT && a[1].days <= days)
        a++;
    b = a + 1;
    x = values(a, what, girl);
    y = values(b, what, girl);
    return (struct at){between(a, b, x[0], y[0], days), between(a, b, x[1], y[1], days),
                       between(a, b, x[2], y[2], days)};
}

static struct ward_decimal bound_at(enum ward_growth what, int girl, int64_t days,
                                    const struct ward_decimal *z)
{
    struct at at = at_days(what, girl, days);
    int exp = what == WARD_GROWTH_WEIGHT ? -3 : -1; /* kg, cm */
    int64_t two = z->negative ? at.median - at.low : at.high - at.median;
    struct ward_decimal median = ward_decimal_of(at.median, exp), out;
    struct ward_decimal half = ward_decimal_of(two * 5, exp - 1); /* two / 2 */

    if (ward_decimal_mul(z, &half, &half, NULL) != WARD_OK ||
        ward_decimal_add(&median, &half, &out, NULL) != WARD_OK || out.negative)
        return ward_decimal_of(0, exp);
    return out;
}

struct ward_decimal ward_growth_bound(enum ward_growth what, enum ward_growth_sex sex,
                                      int64_t from_days, int64_t to_days,
                                      const struct ward_decimal *z)
{
    const int64_t days[] = {from_days, to_days};
    const int n = from_days == to_days ? 1 : 2;
    struct ward_decimal out = {0}, next;
    bool has = false;

    for (int girl = 0; girl <= 1; girl++)
        for (int i = 0; i < n; i++) {
            if (sex == (girl == 1 ? WARD_GROWTH_MALE : WARD_GROWTH_FEMALE))
                continue;
            next = bound_at(what, girl, days[i], z);
            if (!has || (ward_decimal_cmp(&next, &out) < 0) == z->negative)
                out = next;
            has = true;
        }
    return out;
}
