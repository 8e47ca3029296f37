//! What a forward pass costs, counted from a net's own layers by the rules of the paper's counter:
//! one for a multiply-add, the bias free; instance norm 4 a value without affine parameters, batch
//! norm 2; bilinear upsampling 4 a value out; average pooling 1 a value in; max-pooling, ReLU,
//! softmax, dropout, concatenation and padding nothing.

/// A count of operations. (The paper says FLOPs and counts multiply-adds; so do we.)
pub type Flops = u64;
