# Writes OUT, a C++ file with the parts of the page as strings: pageHtml, pageCss and pageJs, the
# last of all scripts in the order of SCRIPTS.
function(embed name)
  set(text "")
  foreach(file ${ARGN})
    file(READ ${FOLDER}/${file} part)
    string(APPEND text "${part}")
  endforeach()
  file(APPEND ${OUT} "constexpr llvm::StringLiteral ${name} = R\"page(${text})page\";\n")
endfunction()

file(WRITE ${OUT} "")
embed(pageHtml page.html)
embed(pageCss page.css)
string(REPLACE "," ";" SCRIPTS "${SCRIPTS}")
embed(pageJs ${SCRIPTS})
