/* Stands in for builds of the CPU code that are left out; see ggml.cmake. */
typedef int echofs_left_out;
