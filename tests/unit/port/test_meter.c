/* SPDX-License-Identifier: Apache-2.0 */
/* The meter of load over machines of files (lifecycle-and-rpc 16). */
#include "machine.h"
#include "port/clock.h"
#include "port/machine.h"

#include <math.h>

static actri_meter_t meter;

static int open_machine(void **state)
{
    (void)state;
    machine_open();
    actri_meter_init(&meter);
    return 0;
}

static int close_machine(void **state)
{
    (void)state;
    machine_close();
    return 0;
}

#define IDLE curve(0.0, 0.20, 20) /* the flattest of the curves; nothing is ever 5.0 */

/* What is left by the reference's formula. */
static double curve(double used, double midpoint, double steepness)
{
    return 5 * (1 - 1 / (1 + exp(-steepness * (used - midpoint))));
}

static void expect_reserve(double expected)
{
    float reserve = actri_meter_read(&meter, 100 * ACTRI_SECOND);
    if (fabs((double)reserve - expected) > 0.0001) fail_msg("the reserve is %f, not %f", (double)reserve, expected);
}

static void a_machine_that_says_nothing_is_unknown(void **state)
{
    (void)state;
    expect_reserve(3.0);
}

static void an_idle_machine_is_full(void **state)
{
    (void)state;
    machine_idle();
    expect_reserve(IDLE);
    assert_true(actri_meter_read(&meter, 0) > 4.9f);
}

typedef struct kind_row {
    const char *path, *text;
    double used, midpoint, steepness;
} kind_row_t;

static const kind_row_t kind_rows[] = {
    {"proc/stat", "cpu  300 100 200 200 0 100 50 50 7 7\n", 0.8, 0.65, 8},
    {"proc/stat", "cpu  0 0 0 700 300 0 0 0 0 0\n", 0.3, 0.20, 20}, /* waiting is idle, but not free */
    {"proc/loadavg", "1.40 9 9 1/1 1\n", 1.4, 1.2, 5},
    {"proc/loadavg", "99.00 9 9 1/1 1\n", 10, 1.2, 5},
    {"proc/meminfo", "MemTotal:  1000 kB\nMemFree:  5 kB\nMemAvailable:  120 kB\n", 0.88, 0.85, 18},
    {"proc/pressure/memory", "some avg10=25.50 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00\n", 0.255, 0.30, 12},
    {"proc/diskstats", "   8  0 sda 9 0 0 0 0 0 0 0 0 70000 0\n   8  1 sda1 9 0 0 0 0 0 0 0 0 30000 0\n", 0.7, 0.70,
     10},
    {"proc/net/dev", "a | b\n c |d\n  lo: 1 500 0 3 0 0 0 0 1 480 0 7 0 0 0 0\n eth0: 1 5 0 5 0 0 0 0 1 0 0 0 0\n",
     0.015, 0.02, 100},
    {"proc/sys/fs/file-nr", "930\t0\t1000\n", 0.93, 0.90, 25},
    {"proc/1/stat", "1 (init) S\n", 1.0 / 4096, 0.80, 12},
};

static void each_kind_has_its_curve(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kind_rows / sizeof kind_rows[0]; i++) {
        const kind_row_t *row = &kind_rows[i];
        machine_says(row->path, row->text);
        expect_reserve(curve(row->used, row->midpoint, row->steepness));
        machine_close();
        machine_open();
        actri_meter_init(&meter);
    }
}

static void the_scarcest_counts(void **state)
{
    (void)state;
    machine_idle();
    machine_says("proc/loadavg", "3.00 0 0 1/1 1\n"); /* for two cores: 1.5 */
    expect_reserve(curve(1.5, 1.2, 5));
    machine_says("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 0 kB\n");
    expect_reserve(curve(1.0, 0.85, 18));
}

/* The reference's figures are averages since boot, which a machine of some days never leaves again. */
static void shares_are_of_the_time_since_the_reading_before(void **state)
{
    (void)state;
    meter.curves[1].midpoint = 100; /* waiting for disks never counts */
    machine_says("proc/stat", "cpu  100000 0 0 0 0 0 0 0\n");
    expect_reserve(curve(1.0, 0.65, 8));
    machine_says("proc/stat", "cpu  100000 0 0 100 0 0 0 0\n");
    expect_reserve(curve(0.0, 0.65, 8));
    machine_says("proc/stat", "cpu  100009 0 0 100 0 0 0 0\n"); /* too little to say anything */
    expect_reserve(curve(0.0, 0.65, 8));
    machine_says("proc/stat", "cpu  50 0 0 50 0 0 0 0\n"); /* counts from the start again */
    expect_reserve(curve(0.0, 0.65, 8));
    machine_says("proc/stat", "cpu  100 0 0 100 0 0 0 0\n");
    expect_reserve(curve(0.5, 0.65, 8));
}

static void few_packets_say_nothing(void **state)
{
    (void)state;
    machine_says("proc/net/dev", " eth0: 1 8 0 2 0 0 0 0 1 0 0 0 0\n");
    expect_reserve(3.0);
}

static void the_environment_moves_the_curves(void **state)
{
    (void)state;
    machine_says("proc/loadavg", "1.00 0 0 1/1 1\n");
    assert_int_equal(0, setenv("PWRZV_LINUX_CPU_LOAD_MIDPOINT", "2.5", 1));
    assert_int_equal(0, setenv("PWRZV_LINUX_CPU_LOAD_STEEPNESS", "3", 1));
    actri_meter_init(&meter);
    expect_reserve(curve(1.0, 2.5, 3));
    static const char *const garbage[] = {"", "x", "-1", "1e3", "1.5 ", "nan"};
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        assert_int_equal(0, setenv("PWRZV_LINUX_CPU_LOAD_MIDPOINT", garbage[i], 1));
        actri_meter_init(&meter);
        expect_reserve(curve(1.0, 1.2, 3));
    }
    (void)unsetenv("PWRZV_LINUX_CPU_LOAD_MIDPOINT");
    (void)unsetenv("PWRZV_LINUX_CPU_LOAD_STEEPNESS");
}

static void garbage_is_as_if_it_were_not_there(void **state)
{
    (void)state;
    static const char *const paths[] = {"proc/stat",      "proc/loadavg", "proc/meminfo",       "proc/pressure/memory",
                                        "proc/diskstats", "proc/net/dev", "proc/sys/fs/file-nr"};
    static const char *const texts[] = {"",
                                        "\n",
                                        "\n\n\n",
                                        "cpu",
                                        "cpu \n",
                                        "cpu  1 2 3\n",
                                        "cpu -1 -1 -1 -1 -1 -1 -1 -1\n",
                                        ":",
                                        ":::::",
                                        "lo: 1 2",
                                        "99999999999999999999999999999999999999999999999999",
                                        "1.",
                                        ".5",
                                        "MemTotal: 0 kB\nMemAvailable: 0 kB\n",
                                        "MemTotal: x\n",
                                        "some avg10=",
                                        "some avg10=x\n",
                                        "8 0\n",
                                        "8 0 sda\n",
                                        "8 0 sda 1 2 3\n",
                                        "1 1 0\n",
                                        "x y z\n"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++) {
            machine_says(paths[i], texts[j]);
            float reserve = actri_meter_read(&meter, 100 * ACTRI_SECOND);
            assert_true(reserve >= 0.0f && reserve <= 5.0f);
            machine_says(paths[i], "");
        }
    }
    expect_reserve(3.0);
}

/* ---- batteries ---- */

static void expect_battery(double expected)
{
    double left = -1;
    bool runs_on_it = actri_machine_battery(machine_folder, &left);
    if (expected < 0) {
        assert_false(runs_on_it);
    } else {
        assert_true(runs_on_it);
        assert_true(fabs(left - expected) < 0.0001);
    }
}

static void no_battery_is_no_limit(void **state)
{
    (void)state;
    expect_battery(-1);
    machine_supply("AC", "type", "Mains\n");
    machine_supply("AC", "online", "0\n");
    expect_battery(-1);
    machine_idle();
    expect_reserve(IDLE);
}

static void a_battery_in_percent(void **state)
{
    (void)state;
    machine_idle();
    machine_supply("BAT0", "type", "Battery\n");
    machine_supply("BAT0", "status", "Discharging\n");
    machine_supply("BAT0", "capacity", "20\n");
    expect_battery(0.2);
    expect_reserve(2.5);
    machine_supply("BAT0", "capacity", "100\n");
    expect_battery(1);
    expect_reserve(IDLE);
    machine_supply("BAT0", "capacity", "250\n");
    expect_battery(1);
}

static void a_battery_in_energy_or_charge(void **state)
{
    (void)state;
    machine_supply("BAT0", "type", "Battery\n");
    machine_supply("BAT0", "energy_now", "12000000\n");
    machine_supply("BAT0", "energy_full", "48000000\n");
    expect_battery(0.25);
    machine_supply("BAT0", "energy_full", "0\n");
    expect_battery(-1);
    machine_supply("BAT0", "energy_full", "x\n");
    machine_supply("BAT0", "charge_now", "900\n");
    machine_supply("BAT0", "charge_full", "1000\n");
    expect_battery(0.9);
}

static void of_several_batteries_the_mean(void **state)
{
    (void)state;
    machine_supply("BAT0", "type", "Battery\n");
    machine_supply("BAT0", "capacity", "80\n");
    machine_supply("BAT1", "type", "Battery\n");
    machine_supply("BAT1", "energy_now", "1\n");
    machine_supply("BAT1", "energy_full", "5\n");
    expect_battery(0.5);
    machine_supply("mouse", "type", "Battery\n"); /* not of the machine */
    machine_supply("mouse", "scope", "Device\n");
    machine_supply("mouse", "capacity", "1\n");
    expect_battery(0.5);
}

static void on_mains_the_battery_does_not_count(void **state)
{
    (void)state;
    machine_supply("BAT0", "type", "Battery\n");
    machine_supply("BAT0", "capacity", "5\n");
    machine_supply("BAT0", "status", "Discharging\n");
    expect_battery(0.05);
    machine_supply("AC", "type", "Mains\n");
    machine_supply("AC", "online", "1\n");
    expect_battery(-1);
    machine_supply("AC", "online", "0\n");
    expect_battery(0.05);
    static const char *const fed[] = {"Charging\n", "Full\n", "Not charging\n", "Full"};
    for (size_t i = 0; i < sizeof fed / sizeof fed[0]; i++) {
        machine_supply("BAT0", "status", fed[i]);
        expect_battery(-1);
    }
}

static void a_battery_of_garbage_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "x\n", "-5\n", "999999999999999999999999999999\n"};
    machine_supply("BAT0", "type", "Battery\n");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        machine_supply("BAT0", "capacity", texts[i]);
        machine_supply("BAT0", "energy_now", texts[i]);
        machine_supply("BAT0", "energy_full", texts[i]);
        expect_battery(-1);
    }
    machine_supply("BAT0", "type", "Batteryx\n");
    machine_supply("BAT0", "capacity", "5\n");
    expect_battery(-1);
    machine_says("sys/class/power_supply/file", "no folder\n");
    expect_battery(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_machine_that_says_nothing_is_unknown, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(an_idle_machine_is_full, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(each_kind_has_its_curve, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(the_scarcest_counts, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(shares_are_of_the_time_since_the_reading_before, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(few_packets_say_nothing, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(the_environment_moves_the_curves, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(garbage_is_as_if_it_were_not_there, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(no_battery_is_no_limit, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(a_battery_in_percent, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(a_battery_in_energy_or_charge, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(of_several_batteries_the_mean, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(on_mains_the_battery_does_not_count, open_machine, close_machine),
        cmocka_unit_test_setup_teardown(a_battery_of_garbage_is_none, open_machine, close_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
