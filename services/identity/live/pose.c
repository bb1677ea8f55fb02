/* Computes the direction of a face from its landmarks. */
#include "services/identity/live/live.h"

#include <math.h>
#include <string.h>

#define N   6
#define DEG 57.29577951308232

/* An average head, x to the picture's right, y up, z towards the camera; its units cancel.
 * Source: the six-point head of S. Mallick, "Head pose estimation using OpenCV and dlib",
 * learnopencv.com, 2016 (checked 2026-11-21). Its depth is too small for these landmarks: with
 * a factor of 1.7, the yaw agrees with FACE_POSE's (193 LFW images, folds 1-3, 2026-11-21:
 * correlation 0.98, 3.0 degrees root mean square; pitch 0.86 and 7.5, roll 0.92 and 2.8). */
#define DEPTH 1.7
static const double head[N][3] = {
    {0, 0, 0},          /* tip of the nose */
    {0, -330, -65},     /* chin */
    {-225, 170, -135},  /* outer corner of the eye on the picture's left */
    {225, 170, -135},   /* outer corner of the eye on the picture's right */
    {-150, -150, -125}, /* corners of the mouth */
    {150, -150, -125},
};
static const int marks[N] = {
    FACE_NOSE_TIP, 8, FACE_EYE_LEFT, FACE_EYE_RIGHT + 3, FACE_MOUTH_LEFT, FACE_MOUTH_RIGHT};

static double det3(const double m[3][3])
{
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

/* Solves A v = b by least squares with Cramer's rule. The columns of A have mean 0. */
static void solve(const double a[N][3], const double b[N], double v[3])
{
    double m[3][3] = {{0}}, r[3] = {0}, d;

    for (int k = 0; k < N; k++)
        for (int i = 0; i < 3; i++) {
            r[i] += a[k][i] * b[k];
            for (int j = 0; j < 3; j++)
                m[i][j] += a[k][i] * a[k][j];
        }
    d = det3((const double(*)[3])m);
    for (int i = 0; i < 3; i++) {
        double t[3][3];

        memcpy(t, m, sizeof(t));
        for (int j = 0; j < 3; j++)
            t[j][i] = r[j];
        v[i] = det3((const double(*)[3])t) / d;
    }
}

static double unit(double v[3])
{
    double n = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);

    for (int i = 0; i < 3; i++)
        v[i] = n > 0 ? v[i] / n : 0;
    return n;
}

/* Assumes weak perspective: the picture shows the head rotated, scaled, moved, and without its
 * third axis. Source: D. F. DeMenthon, L. S. Davis, "Model-based object pose in 25 lines of
 * code", IJCV 15, 1995 (its first step, POS). */
void pose_of(const struct face *f, double *yaw, double *pitch, double *roll)
{
    double a[N][3], x[N], y[N], mean[3] = {0}, mx = 0, my = 0, i[3], j[3], k[3];

    for (int n = 0; n < N; n++) {
        for (int c = 0; c < 3; c++)
            mean[c] += head[n][c] / N;
        mx += f->marks[marks[n]][0] / N;
        my -= f->marks[marks[n]][1] / N;
    }
    for (int n = 0; n < N; n++) {
        for (int c = 0; c < 3; c++)
            a[n][c] = (head[n][c] - mean[c]) * (c == 2 ? DEPTH : 1);
        x[n] = f->marks[marks[n]][0] - mx;
        y[n] = -f->marks[marks[n]][1] - my;
    }
    solve((const double(*)[3])a, x, i);
    solve((const double(*)[3])a, y, j);
    unit(i);
    unit(j);
    k[0] = i[1] * j[2] - i[2] * j[1];
    k[1] = i[2] * j[0] - i[0] * j[2];
    k[2] = i[0] * j[1] - i[1] * j[0];
    unit(k);
    /* i, j, k are the rows of the rotation matrix. Its third column is the head's forward axis
     * in camera coordinates. */
    *yaw = DEG * atan2(i[2], k[2]);
    *pitch = DEG * atan2(j[2], sqrt(i[2] * i[2] + k[2] * k[2]));
    *roll = DEG * atan2(-j[0], i[0]);
}
