func.func private @elsewhere(%x: f32) -> f32
func.func @f(%x: f32) -> f32 {
  %0 = func.call @elsewhere(%x) : (f32) -> f32
  return %0 : f32
}
